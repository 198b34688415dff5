import type { Clock } from './clock.js'
import { TetherError } from './errors.js'
import type { PayloadStore } from './payload-store.js'
import { type RootKey, rootKey } from './seal.js'
import { checkTransport, LANES, type Transport } from './transport.js'

/** Options of `createSession`. */
export interface SessionOptions {
  /** The application; with `stage`, the namespace of the session's name. */
  readonly app: string
  readonly stage: string
  /** Which session stubs speak to. @default 'default' */
  readonly name?: string
  /** The secret shared with the stubs; make it with `generateKey()`. Either this or `keys`. */
  readonly key?: string | Uint8Array
  /** The secret and those before it: while a key is rotated, stubs may have either. */
  readonly keys?: readonly (string | Uint8Array)[]
  /** How frames travel: `iot()`, `mqtt()`, `memory()` or your own. */
  readonly transport: Transport
  /**
   * Holds bodies that do not fit a frame, compressed: `s3({ bucket })`. Stubs reach it through presigned URLs and need no
   * permission of their own. @default none: large bodies are split and paced
   */
  readonly store?: PayloadStore
  /**
   * How many connections the session may have at once, from 1 to 16. It opens another when those that it has near the broker's
   * limits, and divides what it receives among them; a transport without limits needs one.
   * @default { max: 4 }
   */
  readonly connections?: { readonly max: number }
  /** @default the machine's clock */
  readonly clock?: Clock
  /**
   * The most memory, in bytes, for answers that a stub has not confirmed yet; the oldest give way.
   * @default 64 MiB
   */
  readonly maxKeptBytes?: number
}

/** Checks what a host passed. @throws TetherError `INVALID_OPTION`, by name */
export function checkSessionOptions(options: SessionOptions): SessionOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TetherError(
      'INVALID_OPTION',
      'createSession() takes an object: { app, stage, key, transport }.',
    )
  }
  const known = [
    'app',
    'stage',
    'name',
    'key',
    'keys',
    'transport',
    'store',
    'connections',
    'clock',
    'maxKeptBytes',
  ]
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new TetherError(
      'INVALID_OPTION',
      `createSession() has no option '${unknown}'; it has ${known.join(', ')}.`,
    )
  }
  checkTransport(options.transport)
  if (options.store !== undefined && typeof options.store?.presignPut !== 'function') {
    throw new TetherError('INVALID_OPTION', "'store' must be a payload store, such as s3({ bucket }).")
  }
  const { maxKeptBytes, connections } = options
  if (connections !== undefined && !isConnections(connections)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'connections' must be { max }, a whole number from 1 to ${LANES}, not ${JSON.stringify(connections)}.`,
    )
  }
  if (maxKeptBytes !== undefined && !(maxKeptBytes >= 0)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'maxKeptBytes' must be a number of bytes, not ${String(maxKeptBytes)}.`,
    )
  }
  return options
}

function isConnections({ max, ...others }: { max?: unknown } = {}): boolean {
  return Number.isInteger(max) && Number(max) >= 1 && Number(max) <= LANES && Object.keys(others).length === 0
}

/** The keys that a session has, the one it prefers first. @throws TetherError `INVALID_OPTION` */
export function rootKeys({ key, keys }: SessionOptions): RootKey[] {
  if (key !== undefined && keys !== undefined) {
    throw new TetherError('INVALID_OPTION', "Give either 'key' or 'keys', not both.")
  }
  if (keys !== undefined && (!Array.isArray(keys) || keys.length === 0)) {
    throw new TetherError(
      'INVALID_OPTION',
      "'keys' must be a list of keys that is not empty, the newest first.",
    )
  }
  return (keys ?? [key]).map((one) => rootKey(one as string))
}
