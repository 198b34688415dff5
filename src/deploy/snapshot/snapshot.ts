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
  /** Undefined when there is nothing under the key. */
  get(key: string, options?: AbortOptions): Promise<Uint8Array | undefined>
  /** Does nothing when there is nothing under the key. */
  delete(key: string, options?: AbortOptions): Promise<void>
  /** The keys that begin with a prefix, which ends with `/` or is empty. */
  list(prefix: string, options?: AbortOptions): Promise<string[]>
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
  readonly version: 1
  /** Random; a live function's variable `LAMBDA_TETHER_SNAPSHOT` names it. */
  readonly id: string
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
  /** The inline policies that were added to its role. */
  readonly policies: readonly { readonly roleName: string; readonly policyName: string }[]
}

/** `details.reason` of a `STORE_FAILED` for what came back otherwise than it was put. */
const DAMAGED = 'truncated'

/** Where snapshots of one function lie in a store, and what it is called. */
export interface FunctionAddress {
  readonly partition: string
  readonly region: string
  readonly accountId: string
  readonly functionName: string
}

/** Takes a function's ARN apart. @throws TetherError `INVALID_OPTION` */
export function functionAddress(arn: string): FunctionAddress {
  const match = /^arn:([a-z-]+):lambda:([a-z0-9-]+):(\d{12}):function:([A-Za-z0-9_-]{1,64})$/.exec(arn)
  const [, partition = '', region = '', accountId = '', functionName = ''] = match ?? []
  if (match === null) throw new TetherError('INVALID_OPTION', `'${arn}' is no function's ARN.`)
  return { partition, region, accountId, functionName }
}

/** What the keys of a function's snapshots begin with. */
function snapshotPrefix({ accountId, region, functionName }: Omit<FunctionAddress, 'partition'>): string {
  return `${accountId}/${region}/${functionName}/`
}

/** Base64 of the SHA-256, as Lambda gives hashes of code and layers. */
export function codeHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}

/**
 * Keeps a snapshot, the code before what names it, and reads both back: nothing may be changed before that has worked.
 * @param code the original zip, for a function whose code is replaced
 * @throws TetherError `STORE_FAILED`, and what the store throws
 */
export async function writeSnapshot(
  store: SnapshotStore,
  snapshot: Snapshot,
  code: Uint8Array | undefined,
  options: AbortOptions,
): Promise<void> {
  const keys = snapshotKeys(snapshot)
  const bytes = Buffer.from(JSON.stringify(snapshot))
  if (code !== undefined) await putVerified(store, keys.code, code, options)
  await putVerified(store, keys.facts, bytes, options)
}

/** The snapshot of that id; undefined when the store has none. @throws TetherError `STORE_FAILED` when it is damaged */
export async function readSnapshot(
  store: SnapshotStore,
  functionArn: string,
  id: string,
  options: AbortOptions,
): Promise<Snapshot | undefined> {
  const key = snapshotKeys({ functionArn, id }).facts
  const bytes = await store.get(key, options)
  if (bytes === undefined) return undefined
  const snapshot = parseSnapshot(bytes)
  if (snapshot?.functionArn === functionArn && snapshot.id === id) return snapshot
  throw damaged(store, key, 'it is no snapshot of this function')
}

/** The original zip. @throws TetherError `STORE_FAILED` when it is missing or not what its hash says */
export async function readCode(
  store: SnapshotStore,
  snapshot: Snapshot,
  options: AbortOptions,
): Promise<Uint8Array> {
  const key = snapshotKeys(snapshot).code
  const bytes = await store.get(key, options)
  if (bytes === undefined) throw damaged(store, key, 'it is not there')
  const [found, expected] = [codeHash(bytes), snapshot.original.codeSha256]
  if (found !== expected) throw damaged(store, key, `its SHA-256 is ${found}, not ${expected}`)
  return bytes
}

/** Removes a snapshot, what names the code before the code. */
export async function deleteSnapshot(
  store: SnapshotStore,
  snapshot: Pick<Snapshot, 'functionArn' | 'id'>,
  options: AbortOptions,
): Promise<void> {
  const keys = snapshotKeys(snapshot)
  await store.delete(keys.facts, options)
  await store.delete(keys.code, options)
}

/** All that a store has of a function. */
export interface KnownSnapshots {
  readonly ids: readonly string[]
  readonly usable: readonly Snapshot[]
  /** Why the others are not; no obstacle unless the function is live by one of them. */
  readonly damaged: ReadonlyMap<string, TetherError>
}

/** Reads every snapshot that a store has of a function. @throws what the store throws */
export async function readSnapshots(
  store: SnapshotStore,
  functionArn: string,
  options: AbortOptions,
): Promise<KnownSnapshots> {
  const usable: Snapshot[] = []
  const damaged = new Map<string, TetherError>()
  const ids = await snapshotIds(store, functionArn, options)
  for (const id of ids) {
    try {
      const snapshot = await readSnapshot(store, functionArn, id, options)
      if (snapshot !== undefined) usable.push(snapshot)
    } catch (error) {
      if (!(error instanceof TetherError) || error.details.reason !== DAMAGED) throw error
      damaged.set(id, error)
    }
  }
  return { ids, usable, damaged }
}

/** The ids of the snapshots that a store has of a function. */
export async function snapshotIds(
  store: SnapshotStore,
  functionArn: string,
  options: AbortOptions,
): Promise<string[]> {
  const prefix = snapshotPrefix(functionAddress(functionArn))
  const keys = await store.list(prefix, options)
  const ids = keys.map((key) => /^([0-9a-f]{16})\.(?:json|zip)$/.exec(key.slice(prefix.length))?.[1])
  return [...new Set(ids.filter((id) => id !== undefined))]
}

/** Every function that a store has snapshots of. */
export async function snapshotFunctions(
  store: SnapshotStore,
  options: AbortOptions,
): Promise<Omit<FunctionAddress, 'partition'>[]> {
  const addresses = new Map<string, Omit<FunctionAddress, 'partition'>>()
  for (const key of await store.list('', options)) {
    const match = /^(\d{12})\/([a-z0-9-]+)\/([A-Za-z0-9_-]+)\/[0-9a-f]{16}\.json$/.exec(key)
    const [, accountId = '', region = '', functionName = ''] = match ?? []
    if (match !== null)
      addresses.set(`${accountId}/${region}/${functionName}`, { accountId, region, functionName })
  }
  return [...addresses.values()]
}

function snapshotKeys({ functionArn, id }: Pick<Snapshot, 'functionArn' | 'id'>) {
  const base = snapshotPrefix(functionAddress(functionArn)) + id
  return { facts: `${base}.json`, code: `${base}.zip` }
}

async function putVerified(store: SnapshotStore, key: string, bytes: Uint8Array, options: AbortOptions) {
  await store.put(key, bytes, options)
  const found = await store.get(key, options)
  if (found !== undefined && Buffer.compare(found, bytes) === 0) return
  const what = found === undefined ? 'nothing' : `${found.length} other bytes`
  throw damaged(store, key, `${bytes.length} bytes were put and ${what} came back`)
}

function parseSnapshot(bytes: Uint8Array): Snapshot | undefined {
  try {
    const snapshot = JSON.parse(Buffer.from(bytes).toString('utf8')) as Snapshot
    return snapshot.version === 1 ? snapshot : undefined
  } catch {
    return undefined
  }
}

function damaged(store: SnapshotStore, key: string, what: string): TetherError {
  const text = `The snapshot ${key} in ${store.location} cannot be used: ${what}.`
  return new TetherError('STORE_FAILED', text, { details: { operation: 'get', reason: DAMAGED } })
}
