import type { Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import { checkClock, listOf, numberFrom, wholeNumber, withMethods } from '../base/option-checks.js'
import { checkOptions, invalidOption, optionsOf, required } from '../base/options.js'
import type { PayloadStore } from '../contracts/payload-store.js'
import { checkPart, checkTransport, LANES, type Transport } from '../contracts/transport.js'
import { checkRootKey, rootKey, SessionKeys, StageKeys } from '../wire/root-key.js'

/** Options of `createSession`. */
export interface SessionOptions {
  /** The application; with `stage`, the namespace of the session's name. */
  readonly app: string
  readonly stage: string
  /** Which session stubs speak to. @default 'default' */
  readonly name?: string | undefined
  /** The secret that the stubs' keys are derived from; make it with `generateKey()`. Either this or `keys`. */
  readonly key?: string | Uint8Array | undefined
  /** The secret and those before it: while a key is rotated, stubs may have either. */
  readonly keys?: readonly (string | Uint8Array)[] | undefined
  /** How frames travel: `iot()`, `mqtt()`, `memory()` or your own. */
  readonly transport: Transport
  /**
   * Holds bodies that do not fit a frame, compressed: `s3({ bucket })`. Stubs reach it through presigned URLs and need no
   * permission of their own. @default none: large bodies are split and paced
   */
  readonly store?: PayloadStore | undefined
  /**
   * How many connections the session may have at once, from 1 to 16. It opens another when those that it has near the broker's
   * limits, and divides what it receives among them; a transport without limits needs one.
   * @default { max: 4 }
   */
  readonly connections?: { readonly max: number } | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /**
   * The most memory, in bytes, for answers that a stub has not confirmed yet, compressed; the oldest give way.
   * @default 64 MiB
   */
  readonly maxKeptBytes?: number | undefined
}

/** Checks what a host passed. @throws TetherError `INVALID_OPTION`, by name */
export function checkSessionOptions(options: SessionOptions): SessionOptions {
  return checkOptions('createSession', options, {
    app: required(checkPart),
    stage: required(checkPart),
    name: checkPart,
    key: checkRootKey,
    keys: listOf('a list of keys, the newest first', checkRootKey),
    transport: required(checkTransport),
    store: withMethods(
      'a payload store, such as s3({ bucket })',
      'put',
      'get',
      'delete',
      'presignPut',
      'presignGet',
    ),
    connections: optionsOf<{ readonly max: number }>({ max: required(wholeNumber(1, LANES)) }),
    clock: checkClock,
    maxKeptBytes: numberFrom(0),
  })
}

/** The keys that a session has. @throws TetherError `INVALID_OPTION` */
export function sessionKeys({ app, stage, key, keys }: SessionOptions): SessionKeys {
  if (key !== undefined && keys !== undefined) {
    throw new TetherError('INVALID_OPTION', "Give either 'key' or 'keys', not both.")
  }
  if (keys?.length === 0) throw invalidOption('keys', 'must be a list of keys that is not empty')
  return new SessionKeys((keys ?? [key]).map((one) => new StageKeys(rootKey('key', one), { app, stage })))
}
