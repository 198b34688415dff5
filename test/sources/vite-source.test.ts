import { cp, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import type { FunctionSource } from '../../src/core/function-source.js'
import { inline } from '../../src/executors/inline.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const example = fileURLToPath(new URL('../../examples/vite/', import.meta.url))

interface ViteServer {
  close(): Promise<void>
}
interface ViteExample {
  createServer(options: object): Promise<ViteServer>
  viteSource(server: ViteServer, target: string): FunctionSource
}

async function load(): Promise<ViteExample> {
  const vite: string = 'vite'
  return { ...(await import(vite)), ...(await import(`${example}vite-source.js`)) }
}

test('the example with Vite: its module graph runs, a save of any module in it reloads, errors are typed', async () => {
  // Vite takes no '#' in a path.
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'vite-source-')))
  await cp(join(example, 'functions'), folder, { recursive: true })
  const save = async (text: string) => {
    await writeFile(join(folder, 'saved'), text)
    await rename(join(folder, 'saved'), join(folder, 'greeting.ts'))
  }
  const { createServer, viteSource } = await load()
  const server = await createServer({
    root: folder,
    configFile: false,
    server: { middlewareMode: true },
    appType: 'custom',
    logLevel: 'silent',
  })
  try {
    await using tether = new Tether()
    const session = tether.session()
    const functions = { api: viteSource(server, './hello.ts#handler') }
    session.serve({ executor: inline(), functions })
    const reloads: unknown[] = []
    session.on('reload', ({ error }) => reloads.push(error?.code))
    await session.open()
    const stub = tether.stub()
    const call = () => stub({ name: 'Vite' }, stubContext())
    expect(await call()).toBe('Hello, Vite!')
    await save(`export const greet = (name: string): string => 'Goodbye, ' + name`)
    await vi.waitFor(() => expect(reloads).toEqual([undefined]), { timeout: 10_000 })
    expect(await call()).toBe('Goodbye, Vite')
    await save('export const greet = (')
    await vi.waitFor(() => expect(reloads).toEqual([undefined, 'BUILD_FAILED']), { timeout: 10_000 })
    await expect(call()).rejects.toMatchObject({ name: 'LambdaTether.BUILD_FAILED' })
    await save(`export const greet = (): string => 'repaired'`)
    await vi.waitFor(async () => expect(await call()).toBe('repaired'), { timeout: 10_000 })
  } finally {
    await server.close()
    await rm(folder, { recursive: true })
  }
})
