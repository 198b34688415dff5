import { createHash } from 'node:crypto'
import { lstat, mkdir, rmdir } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { TetherError } from '../../core/base/errors.js'

const HASH_LETTERS = 16

/** What hosts of other programs find an inspector by. */
export interface Discovery {
  readonly url: string
  readonly token: string
  readonly pid: number
  /** The host's folder. */
  readonly folder: string
}

/** Where the file of a folder's inspector lies: named by a hash, so that the name tells nothing to other users. */
export function discoveryPath(folder: string, env: NodeJS.ProcessEnv = process.env): string {
  const hash = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, HASH_LETTERS)
  return join(discoveryFolder(env), `lambda-tether-inspector-${hash}.json`)
}

/** The user's own runtime folder, or one within the folder for temporary files. */
export function discoveryFolder({ XDG_RUNTIME_DIR }: NodeJS.ProcessEnv = process.env): string {
  return XDG_RUNTIME_DIR !== undefined && XDG_RUNTIME_DIR !== '' ? XDG_RUNTIME_DIR : temporaryFolder()
}

function temporaryFolder(): string {
  const { uid, username } = userInfo()
  return join(tmpdir(), `lambda-tether-${uid === -1 ? username : uid}`)
}

/** Makes the folder if it is missing. @throws TetherError `UNSUPPORTED` for one that others may write to */
export async function prepareDiscoveryFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await lstat(folder)
  if (!found.isDirectory()) throw unsafe(folder, 'is no folder')
  if (!isOwn(found.uid)) throw unsafe(folder, 'belongs to another user')
  if (process.platform !== 'win32' && (found.mode & 0o022) !== 0)
    throw unsafe(folder, 'can be written to by other users')
}

/** Removes the folder if it was made for inspectors, and none is left in it. */
export async function leaveDiscoveryFolder(folder: string): Promise<void> {
  if (folder === temporaryFolder()) await rmdir(folder).catch(() => {})
}

/** Whether a file belongs to this user. */
export function isOwn(uid: number): boolean {
  const own = process.getuid?.()
  return own === undefined || own === uid
}

export function unsafe(path: string, why: string): TetherError {
  return new TetherError(
    'UNSUPPORTED',
    `${path} ${why}: the token of the inspector is not written there. Remove it.`,
  )
}
