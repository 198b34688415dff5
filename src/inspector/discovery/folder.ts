import { createHash } from 'node:crypto'
import { lstat, mkdir, rmdir } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { TetherError } from '../../core/base/errors.js'

const HASH_LETTERS = 16

/** How other programs find an inspector. */
export interface Discovery {
  readonly url: string
  readonly token: string
  readonly pid: number
  /** The host's folder: an absolute path. */
  readonly folder: string
}

/** Returns the name of an inspector's file. It has a hash of the folder, to tell other users nothing. */
export function discoveryName({ folder, url }: Discovery): string {
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, HASH_LETTERS)
  return `lambda-tether-inspector-${hash}-${new URL(url).port}.json`
}

/** The folders for the files: the user's own runtime folder, else one in the folder for temporary files. */
export function discoveryFolders({ XDG_RUNTIME_DIR }: NodeJS.ProcessEnv = process.env): readonly string[] {
  const temporary = temporaryFolder()
  return XDG_RUNTIME_DIR === undefined || XDG_RUNTIME_DIR === '' ? [temporary] : [XDG_RUNTIME_DIR, temporary]
}

function temporaryFolder(): string {
  const { uid, username } = userInfo()
  return join(tmpdir(), `lambda-tether-${uid === -1 ? username : uid}`)
}

/**
 * Returns the first safe folder; creates the last one if it is missing. A runtime folder may be missing, belong to
 * another user (after `sudo`), or be writable by all users (in WSL).
 * @throws TetherError `UNSUPPORTED` if the last is not safe either
 */
export async function prepareDiscoveryFolder(): Promise<string> {
  const folders = discoveryFolders()
  const last = folders.at(-1)!
  for (const folder of folders.slice(0, -1)) if ((await faultOf(folder)) === undefined) return folder
  await mkdir(last, { recursive: true, mode: 0o700 })
  const fault = await faultOf(last)
  if (fault === undefined) return last
  throw new TetherError(
    'UNSUPPORTED',
    `${last} ${fault}: the token of the inspector is not written there. Remove it, or set XDG_RUNTIME_DIR to a folder of your own.`,
  )
}

/** Returns why a folder is not safe; undefined if it is. */
async function faultOf(folder: string): Promise<string | undefined> {
  const found = await lstat(folder).catch(() => undefined)
  if (found === undefined || !found.isDirectory()) return 'is no folder'
  if (!isOwn(found.uid)) return 'belongs to another user'
  if (process.platform !== 'win32' && (found.mode & 0o022) !== 0) return 'can be written to by other users'
  return undefined
}

/** Removes the folder if it was made for inspectors and is empty. */
export async function leaveDiscoveryFolder(folder: string): Promise<void> {
  if (folder === temporaryFolder()) await rmdir(folder).catch(() => {})
}

/** Whether a file belongs to this user. */
export function isOwn(uid: number): boolean {
  const own = process.getuid?.()
  return own === undefined || own === uid
}
