import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findInspector, runningInspectors, writeDiscovery } from '../../src/inspector/discovery/file.js'
import { discoveryFolders, discoveryName } from '../../src/inspector/discovery/folder.js'
import { inspect } from '../../src/inspector/index.js'
import { Tether } from '../support/tether.js'
import { Inspected } from './inspected.js'

describe('the file that tools find an inspector by', () => {
  let own: string
  let runtime: string
  beforeEach(() => {
    own = mkdtempSync(join(tmpdir(), 'discovery-'))
    runtime = join(own, 'runtime')
    mkdirSync(runtime)
    // Tools look in both, and other inspectors of this user may be running.
    vi.stubEnv('XDG_RUNTIME_DIR', runtime)
    vi.stubEnv('TMPDIR', own)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(own, { recursive: true, force: true })
  })

  const discovery = (folder: string, pid = process.pid, port = 1) => ({
    url: `http://127.0.0.1:${port}`,
    token: 'secret',
    pid,
    folder,
  })

  const pathOf = (folder: string, within = runtime) => join(within, discoveryName(discovery(folder)))

  it('is for this user alone, and removed at the end', async () => {
    const inspected = await Inspected.start({ folder: '/project/shop' })
    const [name] = readdirSync(inspected.runtimeFolder)
    expect(name).toMatch(/^lambda-tether-inspector-[0-9a-f]{16}-\d+\.json$/)
    const path = join(inspected.runtimeFolder, name!)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      url: `http://127.0.0.1:${inspected.inspector.port}`,
      token: inspected.token,
      pid: process.pid,
      folder: '/project/shop',
    })
    await inspected.session.close()
    await inspected.inspector.close()
    expect(readdirSync(inspected.runtimeFolder)).toEqual([])
    await inspected[Symbol.asyncDispose]()
  })

  it('is found from its folder and those below', async () => {
    const remove = await writeDiscovery(discovery('/project/shop'))
    expect(await findInspector('/project/shop')).toEqual(discovery('/project/shop'))
    expect(await findInspector('/project/shop/src/orders')).toEqual(discovery('/project/shop'))
    expect(await findInspector('/project')).toBeUndefined()
    expect(await runningInspectors()).toEqual([discovery('/project/shop')])
    await remove()
    expect(await findInspector('/project/shop')).toBeUndefined()
  })

  it('is ignored if its process is gone, and removed by the next inspector of its folder', async () => {
    // Linux has no process of this number: https://docs.kernel.org/admin-guide/sysctl/kernel.html#pid-max
    await writeDiscovery(discovery('/project/shop', 4_194_305))
    expect(await findInspector('/project/shop')).toBeUndefined()
    expect(await runningInspectors()).toEqual([])
    await writeDiscovery(discovery('/project/shop', process.pid, 2))
    expect(await findInspector('/project/shop')).toEqual(discovery('/project/shop', process.pid, 2))
    expect(readdirSync(runtime)).toHaveLength(1)
  })

  it.skipIf(process.getuid?.() === 0)(
    'is ignored if its process belongs to another user: not as root, which may signal every process',
    async () => {
      await writeDiscovery(discovery('/project/shop', 1))
      expect(await findInspector('/project/shop')).toBeUndefined()
    },
  )

  it('is one for each inspector of a folder: the latest is found, and then the one before', async () => {
    const tether = new Tether()
    const [first, second] = await Promise.all([inspect(tether.session()), inspect(tether.session())])
    expect(await runningInspectors()).toHaveLength(2)
    const found = (await findInspector(process.cwd()))!.url
    const [latest, before] = first.url.startsWith(found) ? [first, second] : [second, first]
    await latest.close()
    expect(before.url).toContain((await findInspector(process.cwd()))!.url)
    await before.close()
    expect(await findInspector(process.cwd())).toBeUndefined()
    await tether[Symbol.asyncDispose]()
  })

  it('takes the place of a symbolic link, and is never read through one, nor from a pipe', async () => {
    const target = join(runtime, 'target')
    writeFileSync(target, JSON.stringify(discovery('/project/shop')))
    symlinkSync(target, pathOf('/project/shop'))
    execFileSync('mkfifo', [pathOf('/project/news')])
    expect(await runningInspectors()).toEqual([])
    await writeDiscovery({ ...discovery('/project/shop'), token: 'later' })
    expect(JSON.parse(readFileSync(target, 'utf8'))).toEqual(discovery('/project/shop'))
    expect(await findInspector('/project/shop')).toMatchObject({ token: 'later' })
  })

  it.each([
    ['no JSON', '{'],
    ['another host', JSON.stringify({ ...discovery('/x'), url: 'http://evil.test:80' })],
    ['no process', JSON.stringify({ ...discovery('/x'), pid: 'all' })],
  ])('is ignored if it has %s', async (_name, text) => {
    writeFileSync(pathOf('/x'), text)
    expect(await findInspector('/x')).toBeUndefined()
  })

  it.each<[string, () => string]>([
    ['no runtime folder', () => ''],
    ['one that is missing', () => join(runtime, 'missing')],
    ['one that others may write to', () => openTo(runtime)],
  ])("lies in a folder of this user's, if the system has %s", async (_name, folder) => {
    vi.stubEnv('XDG_RUNTIME_DIR', folder())
    const temporary = mkdtempSync(join(tmpdir(), 'temporary-'))
    vi.stubEnv('TMPDIR', temporary)
    const own = discoveryFolders().at(-1)!
    expect(own).toMatch(/lambda-tether-\d+$/)
    const remove = await writeDiscovery(discovery('/project/shop'))
    expect(statSync(own).mode & 0o777).toBe(0o700)
    expect(existsSync(pathOf('/project/shop', own))).toBe(true)
    expect(await findInspector('/project/shop')).toEqual(discovery('/project/shop'))
    const removeOther = await writeDiscovery(discovery('/project/news'))
    await remove()
    expect(existsSync(pathOf('/project/news', own))).toBe(true)
    await removeOther()
    expect(readdirSync(temporary)).toEqual([])
    mkdirSync(own)
    openTo(own)
    await expect(writeDiscovery(discovery('/project/shop'))).rejects.toThrow(
      'can be written to by other users',
    )
    rmSync(temporary, { recursive: true })
  })
})

/** Lets everybody write to a folder. */
function openTo(folder: string): string {
  chmodSync(folder, 0o777)
  return folder
}
