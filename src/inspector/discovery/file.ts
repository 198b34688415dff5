import { constants } from 'node:fs'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type Discovery,
  discoveryFolders,
  discoveryName,
  isOwn,
  leaveDiscoveryFolder,
  prepareDiscoveryFolder,
} from './folder.js'

const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
// Non-blocking: opening a named pipe would wait for its writer.
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const NAME = /^lambda-tether-inspector-[0-9a-f]+-\d+\.json$/

/**
 * Writes the inspector's address to a file that only this user can read. The file's name has the port, since a folder
 * may have several inspectors. Removes the files of crashed hosts of the same folder.
 * @returns removes the file
 * @throws TetherError `UNSUPPORTED` if no folder is safe
 */
export async function writeDiscovery(discovery: Discovery): Promise<() => Promise<void>> {
  const path = await write(discovery).catch((error) => {
    // The last other inspector may have removed the folder meanwhile.
    if (error.code !== 'ENOENT') throw error
    return write(discovery)
  })
  return async () => {
    await rm(path, { force: true })
    await leaveDiscoveryFolder(dirname(path))
  }
}

async function write(discovery: Discovery): Promise<string> {
  const folder = await prepareDiscoveryFolder()
  const stale = (await filesIn(folder)).filter(
    ({ found }) => found.folder === discovery.folder && !isAlive(found.pid),
  )
  for (const { path } of stale) await rm(path, { force: true })
  const path = join(folder, discoveryName(discovery))
  const next = `${path}.new`
  await rm(next, { force: true })
  const file = await open(next, NEW, 0o600)
  try {
    await file.writeFile(JSON.stringify(discovery))
  } finally {
    await file.close()
  }
  // Replaces a symbolic link instead of following it.
  await rename(next, path)
  return path
}

/** Finds the latest inspector of a folder, or of its nearest parent folder that has one. */
export async function findInspector(folder: string): Promise<Discovery | undefined> {
  const running = await runningInspectors()
  for (let at = folder; ; at = dirname(at)) {
    const found = running.find((each) => each.folder === at)
    if (found !== undefined || dirname(at) === at) return found
  }
}

/** Lists the running inspectors of this user, the latest first. */
export async function runningInspectors(): Promise<readonly Discovery[]> {
  const files = (await Promise.all(discoveryFolders().map(filesIn))).flat()
  return files
    .filter(({ found }) => isAlive(found.pid))
    .sort((one, other) => other.writtenMs - one.writtenMs)
    .map(({ found }) => found)
}

interface DiscoveryFile {
  readonly path: string
  readonly writtenMs: number
  readonly found: Discovery
}

async function filesIn(folder: string): Promise<readonly DiscoveryFile[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => NAME.test(name))
  const files = await Promise.all(names.map((name) => readDiscovery(join(folder, name))))
  return files.filter((each) => each !== undefined)
}

async function readDiscovery(path: string): Promise<DiscoveryFile | undefined> {
  try {
    const file = await open(path, READ)
    try {
      const { uid, mtimeMs: writtenMs } = await file.stat()
      if (!isOwn(uid)) return undefined
      const found: unknown = JSON.parse(await file.readFile('utf8'))
      return isDiscovery(found) ? { path, writtenMs, found } : undefined
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
  // Only this machine is contacted, regardless of the file's content.
  return texts && Number.isInteger(pid) && /^http:\/\/127\.0\.0\.1:\d+$/.test(url as string)
}

/** Whether a process of this user has the number. If another user's process has it, the host is gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
