import { constants } from 'node:fs'
import { lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type Discovery,
  discoveryFolder,
  discoveryPath,
  isOwn,
  leaveDiscoveryFolder,
  prepareDiscoveryFolder,
  unsafe,
} from './folder.js'

const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)

/**
 * Writes where an inspector is found, readable by this user alone; one of an earlier start is replaced.
 * @returns removes it, unless another inspector has written it since
 * @throws TetherError `UNSUPPORTED` for a symbolic link or a file of another user
 */
export async function writeDiscovery(discovery: Discovery): Promise<() => Promise<void>> {
  const path = discoveryPath(discovery.folder)
  await write(path, discovery).catch((error) => {
    // Another inspector, the last there was, has removed the folder meanwhile.
    if (error.code !== 'ENOENT') throw error
    return write(path, discovery)
  })
  return async () => {
    const now = await readFile(path)
    if (now?.token === discovery.token) await rm(path, { force: true })
    await leaveDiscoveryFolder(dirname(path))
  }
}

async function write(path: string, discovery: Discovery): Promise<void> {
  await prepareDiscoveryFolder(dirname(path))
  const found = await lstat(path).catch(() => undefined)
  if (found !== undefined && (!found.isFile() || !isOwn(found.uid)))
    throw unsafe(path, 'is not a file of this user')
  const next = `${path}.${process.pid}`
  await rm(next, { force: true })
  const file = await open(next, NEW, 0o600)
  try {
    await file.writeFile(JSON.stringify(discovery))
  } finally {
    await file.close()
  }
  await rename(next, path)
}

/** The inspector of a folder, or of the nearest of those that it lies in. */
export async function findInspector(folder: string): Promise<Discovery | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await readFile(discoveryPath(at))
    if (found !== undefined && isAlive(found.pid)) return found
    if (dirname(at) === at) return undefined
  }
}

/** All inspectors of this user that run, for messages. */
export async function runningInspectors(): Promise<readonly Discovery[]> {
  const folder = discoveryFolder()
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => /^lambda-tether-inspector-[0-9a-f]+\.json$/.test(name))
  const found = await Promise.all(files.map((name) => readFile(join(folder, name))))
  return found.filter((each) => each !== undefined && isAlive(each.pid)) as Discovery[]
}

async function readFile(path: string): Promise<Discovery | undefined> {
  try {
    const file = await open(path, READ)
    try {
      const { uid } = await file.stat()
      if (!isOwn(uid)) return undefined
      const read: unknown = JSON.parse(await file.readFile('utf8'))
      return isDiscovery(read) ? read : undefined
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}

function isDiscovery(value: unknown): value is Discovery {
  const { url, token, pid, folder } = (value ?? {}) as Partial<Discovery>
  const texts = [url, token, folder].every((each) => typeof each === 'string')
  // Nothing but this machine is asked, whatever a file says.
  return texts && Number.isInteger(pid) && /^http:\/\/127\.0\.0\.1:\d+$/.test(url as string)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
