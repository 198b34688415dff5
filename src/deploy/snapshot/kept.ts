import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import { readSnapshotBytes, type SnapshotFault, snapshotBytes } from './format.js'
import {
  codeHash,
  type FunctionAddress,
  functionAddress,
  isSnapshotId,
  type Snapshot,
  type SnapshotStore,
} from './snapshot.js'

/** A store of snapshots, with the keys for reading them. */
export interface SnapshotPlace {
  readonly snapshots: SnapshotStore
  /** Root keys that authenticate snapshots. Without any, a snapshot's author is unknown. */
  readonly roots: readonly Uint8Array[]
  readonly signal?: AbortSignal | undefined
}

/** Far above the maximum of a function's variables, layers and sessions. */
const MAX_SNAPSHOT_BYTES = 262_144
/** The limit of UpdateFunctionCode for direct uploads, which is how the original comes back. */
export const MAX_UPLOAD_BYTES = 52_428_800
const FAULTS: readonly unknown[] = ['malformed', 'key', 'forged'] satisfies SnapshotFault[]

/**
 * Writes a snapshot and reads it back: first the code, then the facts that name the code. Nothing may be changed before
 * this has succeeded.
 * @param code the original zip, for mode `replace`
 * @throws TetherError `STORE_FAILED`, and the store's errors
 */
export async function writeSnapshot(
  place: SnapshotPlace,
  snapshot: Snapshot,
  code: Uint8Array | undefined,
): Promise<void> {
  const keys = snapshotKeys(snapshot)
  const bytes = snapshotBytes(snapshot, place.roots)
  const read = readSnapshotBytes(bytes, place.roots)
  if ('fault' in read) throw unusable(place, keys.facts, read.fault, read.problem)
  if (code !== undefined) await putVerified(place, keys.code, code)
  await putVerified(place, keys.facts, bytes)
}

/**
 * Returns the snapshot with that id; undefined if the store has none.
 * @throws TetherError `STORE_FAILED` if it is unusable
 */
export async function readSnapshot(
  place: SnapshotPlace,
  functionArn: string,
  id: string,
): Promise<Snapshot | undefined> {
  if (!isSnapshotId(id)) return undefined
  const key = snapshotKeys({ functionArn, id }).facts
  const bytes = await get(place, key, MAX_SNAPSHOT_BYTES)
  if (bytes === undefined) return undefined
  const read = readSnapshotBytes(bytes, place.roots)
  if ('fault' in read) throw unusable(place, key, read.fault, read.problem)
  const { snapshot } = read
  if (snapshot.functionArn === functionArn && snapshot.id === id) return snapshot
  throw unusable(place, key, 'forged', `it is that of ${snapshot.functionArn}, ${snapshot.id}`)
}

/** Returns the original zip. @throws TetherError `STORE_FAILED` if it is missing, or does not match its hash */
export async function readCode(place: SnapshotPlace, snapshot: Snapshot): Promise<Uint8Array> {
  const key = snapshotKeys(snapshot).code
  const bytes = await get(place, key, MAX_UPLOAD_BYTES)
  if (bytes === undefined) throw unusable(place, key, 'malformed', 'it is not there')
  const [found, expected] = [codeHash(bytes), snapshot.original.codeSha256]
  if (found === expected) return bytes
  throw unusable(place, key, 'forged', `its SHA-256 is ${found}, not ${expected}`)
}

/** Deletes a snapshot: first the facts that name the code, then the code. */
export async function deleteSnapshot(
  { snapshots, signal }: SnapshotPlace,
  snapshot: Pick<Snapshot, 'functionArn' | 'id'>,
): Promise<void> {
  const keys = snapshotKeys(snapshot)
  await snapshots.delete(keys.facts, defined({ signal }))
  await snapshots.delete(keys.code, defined({ signal }))
}

/** All snapshots of a function in a store. */
export interface KnownSnapshots {
  readonly ids: readonly string[]
  readonly usable: readonly Snapshot[]
  /** Errors of the unusable snapshots. They matter only if the function is live by one of them. */
  readonly unusable: ReadonlyMap<string, TetherError>
}

/** Reads all snapshots of a function in a store. @throws the store's errors */
export async function readSnapshots(place: SnapshotPlace, functionArn: string): Promise<KnownSnapshots> {
  const usable: Snapshot[] = []
  const unusable = new Map<string, TetherError>()
  const ids = await snapshotIds(place, functionArn)
  for (const id of ids) {
    try {
      const snapshot = await readSnapshot(place, functionArn, id)
      if (snapshot !== undefined) usable.push(snapshot)
    } catch (error) {
      if (!(error instanceof TetherError) || !FAULTS.includes(error.details.reason)) throw error
      unusable.set(id, error)
    }
  }
  return { ids, usable, unusable }
}

/** Returns the ids of a function's snapshots in a store. */
export async function snapshotIds(
  { snapshots, signal }: SnapshotPlace,
  functionArn: string,
): Promise<string[]> {
  const prefix = snapshotPrefix(functionAddress(functionArn))
  const keys = await snapshots.list(prefix, defined({ signal }))
  const ids = keys.map((key) => /^([0-9a-f]{16})\.(?:json|zip)$/.exec(key.slice(prefix.length))?.[1])
  return [...new Set(ids.filter((id) => id !== undefined))]
}

/** Returns every function with a snapshot in a store. */
export async function snapshotFunctions({
  snapshots,
  signal,
}: SnapshotPlace): Promise<Omit<FunctionAddress, 'partition'>[]> {
  const addresses = new Map<string, Omit<FunctionAddress, 'partition'>>()
  for (const key of await snapshots.list('', defined({ signal }))) {
    const match = /^(\d{12})\/([a-z0-9-]+)\/([A-Za-z0-9_-]{1,64})\/[0-9a-f]{16}\.json$/.exec(key)
    const [, accountId = '', region = '', functionName = ''] = match ?? []
    if (match !== null)
      addresses.set(`${accountId}/${region}/${functionName}`, { accountId, region, functionName })
  }
  return [...addresses.values()]
}

/** Returns the error for an unusable snapshot. @param key the snapshot's key in the store, or its code's */
export function unusable(
  { snapshots }: SnapshotPlace,
  key: string,
  reason: SnapshotFault,
  problem: string,
): TetherError {
  const text = `The snapshot ${key} in ${snapshots.location} cannot be used: ${problem}.`
  return new TetherError('STORE_FAILED', text, { details: { operation: 'get', reason, key } })
}

/** Returns the keys of a snapshot and of the code that it names. */
export function snapshotKeys({ functionArn, id }: Pick<Snapshot, 'functionArn' | 'id'>) {
  const base = snapshotPrefix(functionAddress(functionArn)) + id
  return { facts: `${base}.json`, code: `${base}.zip` }
}

/** Returns the prefix of the keys of a function's snapshots. */
function snapshotPrefix({ accountId, region, functionName }: Omit<FunctionAddress, 'partition'>): string {
  return `${accountId}/${region}/${functionName}/`
}

async function get(place: SnapshotPlace, key: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const { snapshots, signal } = place
  const tooLarge = () => unusable(place, key, 'malformed', `it has more than ${maxBytes} bytes`)
  const bytes = await snapshots.get(key, defined({ signal, maxBytes })).catch((error: unknown) => {
    throw error instanceof TetherError && error.code === 'TOO_LARGE' ? tooLarge() : error
  })
  if (bytes !== undefined && bytes.length > maxBytes) throw tooLarge()
  return bytes
}

async function putVerified(place: SnapshotPlace, key: string, bytes: Uint8Array) {
  const { snapshots, signal } = place
  await snapshots.put(key, bytes, defined({ signal }))
  const found = await get(place, key, bytes.length)
  if (found !== undefined && Buffer.compare(found, bytes) === 0) return
  const what = found === undefined ? 'nothing' : `${found.length} other bytes`
  throw unusable(place, key, 'malformed', `${bytes.length} bytes were put and ${what} came back`)
}
