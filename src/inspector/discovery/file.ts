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
// Opening a named pipe would wait for its writer.
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const NAME = /^lambda-tether-inspector-[0-9a-f]+-\d+\.json$/

/**
 * Writes where an inspector is found, readable by this user alone. Its name has the port: a folder may have several inspectors. Those of
 * the same folder whose hosts have crashed are removed.
 * @returns removes it
 * @throws TetherError `UNSUPPORTED` where no folder is safe
 */
export async function writeDiscovery(discovery: Discovery): Promise<() => Promise<void>> {
  const path = await write(discovery).catch((error) => {
    // Another inspector, the last there was, has removed the folder meanwhile.
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
  // Takes the place of a symbolic link, and does not follow it.
  await rename(next, path)
  return path
}

/** The latest inspector of a folder, or of the nearest of those that it lies in. */
export async function findInspector(folder: string): Promise<Discovery | undefined> {
  const running = await runningInspectors()
  for (let at = folder; ; at = dirname(at)) {
    const found = running.find((each) => each.folder === at)
    if (found !== undefined || dirname(at) === at) return found
  }
}

/** All inspectors of this user that run, the latest first. */
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
  // Nothing but this machine is asked, whatever a file says.
  return texts && Number.isInteger(pid) && /^http:\/\/127\.0\.0\.1:\d+$/.test(url as string)
}

/** Whether a process of this user has a number. That of another user has it from a host that is gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
