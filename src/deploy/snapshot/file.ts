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

// Follows no links and does not block on pipes: they are not ours. Windows has neither flag.
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/**
 * Error codes for links, and for files and folders in each other's place: they count as missing, since they are not
 * ours.
 */
const MISSING: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO', 'ERR_FS_EISDIR']

/** An attempt fails only if a concurrent delete hits that very moment. */
const TRIES = 100

/**
 * Keeps snapshots as files in a folder that only this user can read. The folder is created with the first snapshot, and
 * is empty again after everything is restored. Choose a folder that the next start finds, outside version control.
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
          // A concurrent delete of a folder's last file also removes the folder, at any moment of this.
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

/** Writes a file completely or not at all: writes a temporary file, syncs it to the disk, and renames it. */
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

/** Removes empty folders below the caller's folder. That folder stays, since it may have existed before. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let at = folder; at !== root && at.startsWith(root); at = dirname(at)) {
    try {
      await rmdir(at)
    } catch {
      // It holds another function's snapshots, or is already gone.
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
