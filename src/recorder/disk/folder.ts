import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TetherError } from '../../core/base/errors.js'

const IGNORE = '.gitignore'
const KEY = '.key'
const KEY_BYTES = 32
/** Also identifies the folder as one of ours. */
const IGNORED = '# Recordings of lambda-tether: real events. They stay on this machine.\n*\n'
export const BLOBS = 'blobs'
const RECORDING = /^\d{8}T\d{9}Z-[0-9a-f]{8}\.jsonl$/

/**
 * Makes a folder of recordings, for this user alone, or opens an existing one.
 * @returns the key for marking secrets: equal secrets have equal marks in all recordings of the folder
 * @throws TetherError `INVALID_OPTION` if the folder holds other files
 */
export async function prepareFolder(folder: string): Promise<Uint8Array> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = await readdir(folder)
  const ignored = names.includes(IGNORE) ? await readFile(join(folder, IGNORE), 'utf8') : undefined
  // The mode and the .gitignore would be wrong for any other files in the folder.
  if (ignored !== IGNORED && names.some((name) => name !== IGNORE || ignored !== ''))
    throw new TetherError(
      'INVALID_OPTION',
      `'folder' must be a folder of its own, and ${folder} holds other files: name one that is empty or does not exist.`,
    )
  await chmod(folder, 0o700)
  // Another session may prepare the folder at the same moment: append, then cut, so that neither erases the other's
  // text.
  if (ignored !== IGNORED)
    await writeFile(join(folder, IGNORE), IGNORED, { mode: 0o600, flag: 'a' }).then(() =>
      truncate(join(folder, IGNORE), IGNORED.length),
    )
  await mkdir(join(folder, BLOBS), { recursive: true, mode: 0o700 })
  return folderKey(folder)
}

/** Returns a name for a new recording. Names sort by time. */
export function recordingName(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:.]/g, '')
  return `${time}-${randomBytes(4).toString('hex')}.jsonl`
}

/** Returns the recordings of a folder, the oldest first; none if the folder does not exist. */
export async function recordingNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => RECORDING.test(name)).sort()
}

/** Returns the error for a failure of the file system. */
export function folderError(folder: string, cause: unknown): TetherError {
  if (cause instanceof TetherError) return cause
  const text = `The folder of recordings ${folder} cannot be used: ${(cause as Error).message}.`
  return new TetherError('STORE_FAILED', text, { cause, details: { reason: 'refused' } })
}

async function folderKey(folder: string): Promise<Uint8Array> {
  const path = join(folder, KEY)
  const read = async () => {
    const key = Buffer.from(await readFile(path, 'utf8'), 'hex')
    return key.length === KEY_BYTES ? key : undefined
  }
  const present = await read().catch(() => undefined)
  if (present !== undefined) return present
  const key = randomBytes(KEY_BYTES)
  const temporary = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(temporary, key.toString('hex'), { mode: 0o600, flag: 'wx' })
  try {
    // A link makes the whole key appear at once, and fails for the second of two sessions that start together.
    await link(temporary, path)
    return key
  } catch (error) {
    const first = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await read() : undefined
    if (first !== undefined) return first
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}
