import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BLOBS, recordingNames } from './folder.js'
import { IN_USE_MS } from './recording-file.js'

/** Limits of a folder of recordings. */
export interface KeepLimits {
  readonly count: number
  readonly bytes: number
  readonly days: number
}

interface Contents {
  readonly bytes: number
  readonly changedMs: number
  readonly records: number
  /** Hashes of the large bodies that the records refer to. */
  readonly blobs: ReadonlySet<string>
}

const DAY_MS = 24 * 60 * 60 * 1_000
const LINE_END = 0x0a
const REFERENCE = '"sha256":"'
const HASH_LENGTH = 64

/**
 * Removes the oldest recordings of a folder, as whole files, until the folder is within its limits; then the large
 * bodies without a reference. Keeps anything written within ten minutes: it may belong to another session.
 * @param known cached contents of files; updated for each file that is read or removed
 */
export async function clearFolder(
  folder: string,
  keep: KeepLimits,
  now: number,
  known: Map<string, Contents>,
): Promise<void> {
  const names = await recordingNames(folder)
  const blobs = await sizesOf(join(folder, BLOBS))
  const named = new Set<string>()
  let [records, bytes, over] = [0, 0, false]
  for (const name of names.reverse()) {
    const contents = await contentsOf(folder, name, known)
    if (contents === undefined) continue
    records += contents.records
    bytes += contents.bytes
    for (const hash of contents.blobs) if (!named.has(hash)) bytes += blobs.get(hash)?.bytes ?? 0
    over ||= records > keep.count || bytes > keep.bytes || now - contents.changedMs > keep.days * DAY_MS
    if (over && now - contents.changedMs > IN_USE_MS) {
      await rm(join(folder, name), { force: true })
      known.delete(name)
    } else for (const hash of contents.blobs) named.add(hash)
  }
  for (const [hash, { changedMs }] of blobs)
    if (!named.has(hash) && now - changedMs > IN_USE_MS) await rm(join(folder, BLOBS, hash), { force: true })
}

/** Returns undefined if the file was removed in the meantime. */
async function contentsOf(
  folder: string,
  name: string,
  known: Map<string, Contents>,
): Promise<Contents | undefined> {
  const path = join(folder, name)
  const { size: bytes, mtimeMs: changedMs } = (await stat(path).catch(() => undefined)) ?? {
    size: -1,
    mtimeMs: 0,
  }
  if (bytes === -1) return undefined
  const before = known.get(name)
  if (before?.bytes === bytes) return { ...before, changedMs }
  const contents = { bytes, changedMs, ...scan(await readFile(path)) }
  known.set(name, contents)
  return contents
}

// A body may contain text like a reference, which keeps a file a little longer.
function scan(file: Buffer): Pick<Contents, 'records' | 'blobs'> {
  const blobs = new Set<string>()
  let records = 0
  for (let at = file.indexOf(LINE_END); at !== -1; at = file.indexOf(LINE_END, at + 1)) records++
  for (let at = file.indexOf(REFERENCE); at !== -1; at = file.indexOf(REFERENCE, at + 1)) {
    const from = at + REFERENCE.length
    blobs.add(file.toString('latin1', from, from + HASH_LENGTH))
  }
  return { records, blobs }
}

async function sizesOf(folder: string): Promise<Map<string, { bytes: number; changedMs: number }>> {
  const sizes = new Map<string, { bytes: number; changedMs: number }>()
  for (const name of await readdir(folder)) {
    const facts = await stat(join(folder, name)).catch(() => undefined)
    if (facts?.isFile()) sizes.set(name, { bytes: facts.size, changedMs: facts.mtimeMs })
  }
  return sizes
}
