import type { Clock } from './clock.js'
import { TetherError } from './errors.js'
import type { PayloadStore } from './payload-store.js'
import { type RootKey, rootKey } from './seal.js'
import { checkTransport, type Transport } from './transport.js'

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
  const known = ['app', 'stage', 'name', 'key', 'keys', 'transport', 'store', 'clock', 'maxKeptBytes']
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
  const { maxKeptBytes } = options
  if (maxKeptBytes !== undefined && !(maxKeptBytes >= 0)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'maxKeptBytes' must be a number of bytes, not ${String(maxKeptBytes)}.`,
    )
  }
  return options
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
