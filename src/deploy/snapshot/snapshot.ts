import { createHash } from 'node:crypto'
import { TetherError } from '../../core/base/errors.js'
import type { AbortOptions } from '../../core/contracts/transport.js'

/**
 * Keeps snapshots of functions until they are restored, in a place that the next start of the host finds again. A key
 * has at most 200 letters, digits, `-`, `_`, `.` and `/`. Snapshots contain the functions' variables and code: deny all
 * others read access.
 */
export interface SnapshotStore {
  /**
   * The location in words, for people. A live function's tag contains it, so that a reader of the tag can find the
   * snapshot.
   */
  readonly location: string
  /** Stores bytes, in place of any previous ones. Resolves once a crash cannot lose them. */
  put(key: string, bytes: Uint8Array, options?: AbortOptions): Promise<void>
  /**
   * Returns undefined for a missing key.
   * @throws TetherError `TOO_LARGE` for more than `maxBytes`; the rest need not be read
   */
  get(key: string, options?: SnapshotGetOptions): Promise<Uint8Array | undefined>
  /** Deletes a key. Does nothing for a missing key. */
  delete(key: string, options?: AbortOptions): Promise<void>
  /** Lists the keys with a prefix, which ends with `/` or is empty. */
  list(prefix: string, options?: AbortOptions): Promise<string[]>
}

/** Options for reading from a {@link SnapshotStore}. */
export interface SnapshotGetOptions extends AbortOptions {
  /** The most bytes to accept. @default no limit */
  readonly maxBytes?: number | undefined
}

/**
 * The facts that a snapshot keeps of a function: everything that going live may change, and that restoring compares.
 */
export interface FunctionFacts {
  /** SHA-256 of the zip in base64, as Lambda returns it. */
  readonly codeSha256: string
  readonly codeBytes: number
  readonly runtime: string
  readonly handler: string
  /** ARNs of layer versions, in order. */
  readonly layers: readonly string[]
  readonly timeoutSeconds: number
  readonly memoryMb: number
  readonly environment: Readonly<Record<string, string>>
}

/** How a function is live: with its own code wrapped, or replaced by the stub. */
export type LiveMode = 'wrap' | 'replace'

/** A function's original state, and the values that replaced it, to distinguish changes by others from ours. */
export interface Snapshot {
  readonly version: 2
  /** Random; a live function's variable `LAMBDA_TETHER_SNAPSHOT` names it. */
  readonly id: string
  /** Id of the stage's key that authenticates the snapshot. */
  readonly keyId: string
  readonly functionArn: string
  /** Such as `2026-11-21T08:00:00.000Z`. */
  readonly takenAt: string
  readonly app: string
  readonly stage: string
  readonly mode: LiveMode
  readonly original: FunctionFacts
  /** Every value ever set under this snapshot. */
  readonly live: {
    readonly timeoutSeconds: readonly number[]
    readonly codeSha256: readonly string[]
    readonly runtime: string
    readonly handler: string
  }
  /** Inline policies that were added: the role and the session of each. See `policyNameOf` for their names. */
  readonly policies: readonly SnapshotPolicy[]
}

/** A policy as recorded in a snapshot. */
export interface SnapshotPolicy {
  readonly roleName: string
  /** A comma for a team's policy. */
  readonly session: string
}

/** The parts of a function's ARN, which locate its snapshots in a store. */
export interface FunctionAddress {
  readonly partition: string
  readonly region: string
  readonly accountId: string
  readonly functionName: string
}

const FUNCTION_ARN = /^arn:([a-z-]+):lambda:([a-z0-9-]+):(\d{12}):function:([A-Za-z0-9_-]{1,64})$/

/** Parses a function's ARN. @throws TetherError `INVALID_OPTION` */
export function functionAddress(arn: string): FunctionAddress {
  const match = FUNCTION_ARN.exec(arn)
  const [, partition = '', region = '', accountId = '', functionName = ''] = match ?? []
  if (match === null) throw new TetherError('INVALID_OPTION', `'${arn}' is no function's ARN.`)
  return { partition, region, accountId, functionName }
}

/** Whether a text has the form of a snapshot's id. A function's variable may hold anything, such as a path. */
export function isSnapshotId(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text)
}

/** Returns the SHA-256 in base64, like Lambda's hashes of code and layers. */
export function codeHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}
