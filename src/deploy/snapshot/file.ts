import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { throwIfAborted } from '../../core/base/errors.js'
import { checkText } from '../../core/base/option-checks.js'
import type { SnapshotStore } from './snapshot.js'

/** Each is lost only to somebody else's delete at that very moment. */
const TRIES = 100

/**
 * Snapshots as files of a folder that only this user can read. It is made when the first is kept, and is empty again
 * when everything is restored; keep it where the next start looks for it, and out of version control.
 * @throws TetherError `INVALID_OPTION`
 */
export function fileSnapshots(folder: string): SnapshotStore {
  checkText('folder', folder)
  const root = resolve(folder)
  return {
    location: `${hostname()}:${root}`,
    async put(key, bytes, { signal } = {}) {
      throwIfAborted(signal)
      const path = join(root, key)
      for (let attempt = 1; ; attempt += 1) {
        // Who deletes a folder's last file takes the folder with it, and may do so at any moment of this.
        const written = await mkdir(dirname(path), { recursive: true, mode: 0o700 })
          .then(() => writeDurably(path, bytes))
          .catch(attempt < TRIES ? unlessMissing : undefined)
        if (written) return
      }
    },
    async get(key, { signal } = {}) {
      throwIfAborted(signal)
      return await readFile(join(root, key)).catch(unlessMissing)
    },
    async delete(key, { signal } = {}) {
      throwIfAborted(signal)
      const path = join(root, key)
      await rm(path, { force: true })
      await removeEmpty(dirname(path), root)
    },
    async list(prefix, { signal } = {}) {
      throwIfAborted(signal)
      const from = join(root, prefix)
      const entries =
        (await readdir(from, { recursive: true, withFileTypes: true }).catch(unlessMissing)) ?? []
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .sort()
    },
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
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}
