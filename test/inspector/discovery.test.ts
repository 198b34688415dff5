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
import { discoveryFolder, discoveryPath } from '../../src/inspector/discovery/folder.js'
import { Inspected } from './inspected.js'

describe('the file that tools find an inspector by', () => {
  let runtime: string
  beforeEach(() => {
    runtime = mkdtempSync(join(tmpdir(), 'runtime-'))
    vi.stubEnv('XDG_RUNTIME_DIR', runtime)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(runtime, { recursive: true, force: true })
  })

  const discovery = (folder: string, pid = process.pid) => ({
    url: 'http://127.0.0.1:1',
    token: 'secret',
    pid,
    folder,
  })

  it('is for this user alone, and removed at the end', async () => {
    const inspected = await Inspected.start({ folder: '/project/shop' })
    const [name] = readdirSync(inspected.runtimeFolder)
    expect(name).toMatch(/^lambda-tether-inspector-[0-9a-f]{16}\.json$/)
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

  it('is ignored where its process is gone, and replaced', async () => {
    // Linux has no process of this number: https://docs.kernel.org/admin-guide/sysctl/kernel.html#pid-max
    await writeDiscovery(discovery('/project/shop', 4_194_305))
    expect(await findInspector('/project/shop')).toBeUndefined()
    expect(await runningInspectors()).toEqual([])
    await writeDiscovery(discovery('/project/shop'))
    expect(await findInspector('/project/shop')).toBeDefined()
  })

  it('stays where a later inspector has written it', async () => {
    const remove = await writeDiscovery(discovery('/project/shop'))
    await writeDiscovery({ ...discovery('/project/shop'), token: 'later' })
    await remove()
    expect(await findInspector('/project/shop')).toMatchObject({ token: 'later' })
  })

  it('is never written through a symbolic link, nor read through one', async () => {
    const target = join(runtime, 'target')
    writeFileSync(target, JSON.stringify(discovery('/project/shop')))
    symlinkSync(target, discoveryPath('/project/shop'))
    await expect(writeDiscovery(discovery('/project/shop'))).rejects.toThrow('is not a file of this user')
    expect(await findInspector('/project/shop')).toBeUndefined()
  })

  it('is not written to a folder that others may write to', async () => {
    chmodSync(runtime, 0o777)
    await expect(writeDiscovery(discovery('/project/shop'))).rejects.toThrow(
      'can be written to by other users',
    )
  })

  it.each([
    ['no JSON', '{'],
    ['another host', JSON.stringify({ ...discovery('/x'), url: 'http://evil.test:80' })],
    ['no process', JSON.stringify({ ...discovery('/x'), pid: 'all' })],
  ])('is ignored where it has %s', async (_name, text) => {
    writeFileSync(discoveryPath('/x'), text)
    expect(await findInspector('/x')).toBeUndefined()
  })

  it("lies in a folder of this user's, where the system has no runtime folder", async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', '')
    vi.stubEnv('TMPDIR', runtime)
    mkdirSync(runtime, { recursive: true })
    const remove = await writeDiscovery(discovery('/project/shop'))
    expect(discoveryFolder()).toMatch(/lambda-tether-\d+$/)
    expect(statSync(discoveryFolder()).mode & 0o777).toBe(0o700)
    expect(existsSync(discoveryPath('/project/shop'))).toBe(true)
    const removeOther = await writeDiscovery(discovery('/project/news'))
    await remove()
    expect(existsSync(discoveryPath('/project/news'))).toBe(true)
    await removeOther()
    expect(readdirSync(runtime)).toEqual([])
  })
})
