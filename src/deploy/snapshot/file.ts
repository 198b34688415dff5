import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { TetherError, throwIfAborted } from '../../core/base/errors.js'
import { checkText } from '../../core/base/option-checks.js'
import type { StoreOperation } from '../../core/payload/store-failure.js'
import { readBounded } from './bounded.js'
import type { SnapshotStore } from './snapshot.js'

// What is not a file of ours is not followed, nor waited for, as a pipe would be. Windows has neither flag.
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Links, folders and files in a folder's place: there is nothing of ours. */
const MISSING: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO', 'ERR_FS_EISDIR']

/** Each is lost only to somebody else's delete at that very moment. */
const TRIES = 100

/**
 * Snapshots as files of a folder that only this user can read. It is made when the first is kept, and is empty again
 * when everything is restored; keep it where the next start looks for it, and out of version control.
 * @throws TetherError `INVALID_OPTION`. Its methods throw `STORE_FAILED`
 */
export function fileSnapshots(folder: string): SnapshotStore {
  checkText('folder', folder)
  const root = resolve(folder)
  return {
    location: `${hostname()}:${root}`,
    put: (key, bytes, { signal } = {}) =>
      attempt('put', root, signal, async () => {
        const path = join(root, key)
        for (let tries = 1; ; tries += 1) {
          // Who deletes a folder's last file takes the folder with it, and may do so at any moment of this.
          const written = await mkdir(dirname(path), { recursive: true, mode: 0o700 })
            .then(() => writeDurably(path, bytes))
            .catch((error: unknown) => {
              if (tries === TRIES || errorCode(error) !== 'ENOENT') throw error
            })
          if (written) return
        }
      }),
    get: (key, { signal, maxBytes } = {}) =>
      attempt('get', root, signal, async () => {
        const file = await open(join(root, key), READ).catch(unlessMissing)
        if (file === undefined) return undefined
        try {
          const isFile = (await file.stat()).isFile()
          return isFile
            ? await readBounded(key, file.createReadStream({ autoClose: false }), maxBytes)
            : undefined
        } finally {
          await file.close()
        }
      }),
    delete: (key, { signal } = {}) =>
      attempt('delete', root, signal, async () => {
        const path = join(root, key)
        await rm(path, { force: true }).catch(unlessMissing)
        await removeEmpty(dirname(path), root)
      }),
    list: (prefix, { signal } = {}) =>
      attempt('get', root, signal, async () => {
        const from = join(root, prefix)
        const entries =
          (await readdir(from, { recursive: true, withFileTypes: true }).catch(unlessMissing)) ?? []
        return entries
          .filter((entry) => entry.isFile())
          .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
          .sort()
      }),
  }
}

async function attempt<T>(
  operation: StoreOperation,
  root: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    const text = `The snapshot folder ${root} is not as it must be: ${(cause as Error).message}.`
    throw new TetherError('STORE_FAILED', text, { cause, details: { operation, reason: 'refused' } })
  }
}

/** The file is whole or not there: it is written beside, brought to the disk, and renamed. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<true> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    return true
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Up to and without the folder that the caller named, which may have been there before. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let at = folder; at !== root && at.startsWith(root); at = dirname(at)) {
    try {
      await rmdir(at)
    } catch {
      // Another function's snapshots are in it, or it is gone already.
      return
    }
  }
}

function unlessMissing(error: unknown): undefined {
  if (MISSING.includes(errorCode(error))) return undefined
  throw error
}

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
