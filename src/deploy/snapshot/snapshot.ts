import { createHash } from 'node:crypto'
import { TetherError } from '../../core/base/errors.js'
import type { AbortOptions } from '../../core/contracts/transport.js'

/**
 * Where snapshots of functions are kept until they are restored: any place that the next start of the host finds again.
 * A key has at most 200 letters, digits, `-`, `_`, `.` and `/`. What is kept holds the functions' variables and code:
 * let nobody else read it.
 */
export interface SnapshotStore {
  /** Where it is, in words for people; a function's tag says it to whoever finds the function live. */
  readonly location: string
  /** Keeps bytes, in place of what was there, and resolves when a crash cannot lose them. */
  put(key: string, bytes: Uint8Array, options?: AbortOptions): Promise<void>
  /**
   * Undefined when there is nothing under the key.
   * @throws TetherError `TOO_LARGE` when there are more than `maxBytes`, of which no more need be read than that
   */
  get(key: string, options?: SnapshotGetOptions): Promise<Uint8Array | undefined>
  /** Does nothing when there is nothing under the key. */
  delete(key: string, options?: AbortOptions): Promise<void>
  /** The keys that begin with a prefix, which ends with `/` or is empty. */
  list(prefix: string, options?: AbortOptions): Promise<string[]>
}

/** How to get what a {@link SnapshotStore} keeps. */
export interface SnapshotGetOptions extends AbortOptions {
  /** The most that can be of use. @default no limit */
  readonly maxBytes?: number | undefined
}

/** What a snapshot keeps of a function, which is what going live may change and what it is compared with. */
export interface FunctionFacts {
  /** Base64 of the zip's SHA-256, as Lambda gives it. */
  readonly codeSha256: string
  readonly codeBytes: number
  readonly runtime: string
  readonly handler: string
  /** ARNs of layer versions, in their order. */
  readonly layers: readonly string[]
  readonly timeoutSeconds: number
  readonly memoryMb: number
  readonly environment: Readonly<Record<string, string>>
}

/** How a function is live: its own code wrapped, or the stub in its place. */
export type LiveMode = 'wrap' | 'replace'

/** A function as it was, and what was put in its place, so that another's change can be told from ours. */
export interface Snapshot {
  readonly version: 2
  /** Random; a live function's variable `LAMBDA_TETHER_SNAPSHOT` names it. */
  readonly id: string
  /** Which key of the stage authenticates it. */
  readonly keyId: string
  readonly functionArn: string
  /** Such as `2026-11-21T08:00:00.000Z`. */
  readonly takenAt: string
  readonly app: string
  readonly stage: string
  readonly mode: LiveMode
  readonly original: FunctionFacts
  /** Every value that was ever set under this snapshot. */
  readonly live: {
    readonly timeoutSeconds: readonly number[]
    readonly codeSha256: readonly string[]
    readonly runtime: string
    readonly handler: string
  }
  /** For which sessions an inline policy was added to which role. Its name follows: see `policyNameOf`. */
  readonly policies: readonly SnapshotPolicy[]
}

/** A policy as a snapshot has it. */
export interface SnapshotPolicy {
  readonly roleName: string
  /** A comma where it is a team's. */
  readonly session: string
}

/** Where snapshots of one function lie in a store, and what it is called. */
export interface FunctionAddress {
  readonly partition: string
  readonly region: string
  readonly accountId: string
  readonly functionName: string
}

const FUNCTION_ARN = /^arn:([a-z-]+):lambda:([a-z0-9-]+):(\d{12}):function:([A-Za-z0-9_-]{1,64})$/

/** Takes a function's ARN apart. @throws TetherError `INVALID_OPTION` */
export function functionAddress(arn: string): FunctionAddress {
  const match = FUNCTION_ARN.exec(arn)
  const [, partition = '', region = '', accountId = '', functionName = ''] = match ?? []
  if (match === null) throw new TetherError('INVALID_OPTION', `'${arn}' is no function's ARN.`)
  return { partition, region, accountId, functionName }
}

/** Whether a text can be a snapshot's id. A function's variable may hold anything, a path for instance. */
export function isSnapshotId(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text)
}

/** Base64 of the SHA-256, as Lambda gives hashes of code and layers. */
export function codeHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}
