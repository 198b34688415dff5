import { createHash, randomBytes } from 'node:crypto'
import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { BLOBS } from './folder.js'
import type { BlobReference, WrittenBlob } from './format.js'

/** Stores a large body under its hash, once. */
export async function writeBlob(folder: string, { sha256, body }: WrittenBlob, clock: Clock): Promise<void> {
  const path = join(folder, BLOBS, sha256)
  const now = clock.now() / 1_000
  try {
    // The body is in use again: a new time keeps it from being cleared.
    return await utimes(path, now, now)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  // Rename the file when it is complete, so that a body is never partial.
  const temporary = `${path}.${randomBytes(4).toString('hex')}`
  try {
    await writeFile(temporary, body, { mode: 0o600, flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** @throws TetherError `STORE_FAILED` if the body is missing or was changed */
export async function readBlob(folder: string, { sha256, bytes }: BlobReference): Promise<Uint8Array> {
  const refused = (problem: string, cause?: unknown) =>
    new TetherError(
      'STORE_FAILED',
      `The body ${sha256} of ${bytes} bytes in ${join(folder, BLOBS)} ${problem}.`,
      {
        details: { reason: 'object-missing' },
        cause,
      },
    )
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw refused('has no name of a body')
  const body = await readFile(join(folder, BLOBS, sha256)).catch((error: Error) => {
    throw refused(`cannot be read: ${error.message}`, error)
  })
  if (createHash('sha256').update(body).digest('hex') !== sha256) throw refused('was changed')
  return body
}
