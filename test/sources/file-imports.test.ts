import { execFileSync } from 'node:child_process'
import { readdirSync, utimesSync } from 'node:fs'
import { mkdir, open, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { childProcesses, workerThreads } from '../../src/executors/index.js'
import type { Executor, FunctionTarget, ReloadEvent } from '../../src/index.js'
import { file } from '../../src/sources/file.js'
import { createStub } from '../../src/stub/handler.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'
import { type HandlerProject, handlerProject } from '../executors/handler-project.js'
import { stubContext } from '../support/stub-context.js'

let project: HandlerProject

beforeEach(async () => {
  project = await handlerProject()
})

afterEach(() => project[Symbol.asyncDispose]())

/** A session that serves one function. */
async function serving(target: FunctionTarget, executor: Executor) {
  // What was written just before code is loaded may have changed meanwhile, and is loaded once more.
  const aMinuteAgo = new Date(Date.now() - 60_000)
  for (const name of readdirSync(project.folder, { recursive: true }))
    utimesSync(path(String(name)), aMinuteAgo, aMinuteAgo)
  const names = { app: 'shop', stage: 'dev' }
  const [root, transport, functionId] = [generateKey(), memory(), 'api']
  const session = createSession({ ...names, key: root, transport })
  session.serve({ executor, functions: { api: target } })
  await session.open()
  const openedAt = performance.now()
  const stub = createStub({
    ...names,
    key: stubKey({ ...names, key: root, functionId }),
    transport,
    functionId,
  })
  return {
    session,
    call: () => stub({}, stubContext()),
    /** The first reload for `change`: one for an earlier save, which a busy machine reports twice, may end after it. */
    after: async (change: () => unknown): Promise<ReloadEvent> => {
      const sinceMs = performance.now() - openedAt
      const reload = new Promise<ReloadEvent>((resolve) => {
        session.on('reload', function listener(event) {
          if (event.atMs - event.durationMs < sinceMs) return
          session.off('reload', listener)
          resolve(event)
        })
      })
      await change()
      return reload
    },
    [Symbol.asyncDispose]: async () => {
      await stub.close()
      await session.close()
    },
  }
}

const path = (name: string) => join(project.folder, name)
const write = (name: string, text: string) => () => project.write(name, text)

test('a save of any import of a Python module reloads it, also of an indirect or late one', async () => {
  await project.write('deep/names.py', "WORD = 'one'")
  await project.write('util.py', 'from deep.names import WORD')
  await project.write('later.py', 'NUMBER = 1')
  await project.write(
    'app.py',
    'import util\ndef handler(event, context):\n    import later\n    return [util.WORD, later.NUMBER]',
  )
  await using served = await serving(path('app.py'), childProcesses())
  expect(await served.call()).toEqual(['one', 1])
  expect(await served.after(write('deep/names.py', "WORD = 'two'"))).not.toHaveProperty('error')
  expect(await served.call()).toEqual(['two', 1])
  await served.after(write('later.py', 'NUMBER = 2'))
  expect(await served.call()).toEqual(['two', 2])
})

test('a former import of a Python module is no longer watched', async () => {
  await project.write('util.py', 'WORD = 1')
  await project.write('app.py', 'from util import WORD\ndef handler(event, context):\n    return WORD')
  const source = file(path('app.py'))
  let saves = 0
  using _ = source.watch!(() => saves++)
  const loaded = async (failed: boolean, ...names: string[]) => {
    const build = await source.load()
    build.loaded!({ files: names.map(path), since: Date.now() + 60_000, failed })
  }
  await loaded(false, 'app.py', 'util.py')
  await loaded(false, 'app.py')
  await project.write('util.py', 'WORD = 2')
  await project.write('later.py', 'WORD = 2')
  await loaded(true, 'later.py')
  const saved = new Promise<void>((resolve) => void source.watch!(resolve))
  await project.write('later.py', 'WORD = 3')
  await saved
  expect(saves).toBe(1)
  await source.close!()
})

test('a save before its import was known is reported at once', async () => {
  await project.write('app.py', '')
  await project.write('util.py', '')
  const source = file(path('app.py'))
  const saved = new Promise<void>((resolve) => void source.watch!(resolve))
  const build = await source.load()
  build.loaded!({ files: [path('util.py')], since: Date.now() - 60_000, failed: false })
  await saved
  await source.close!()
})

test('a reload reports that Python cannot load the new code, and its repair is seen', async () => {
  await project.write('util.py', 'WORD = 1')
  await project.write('app.py', 'from util import WORD\ndef handler(event, context):\n    return WORD')
  await using served = await serving(path('app.py'), childProcesses())
  expect(await served.call()).toBe(1)

  const broken = await served.after(write('util.py', 'WORD = 2\ndef broken(:\n'))
  expect(broken.error).toMatchObject({
    code: 'BUILD_FAILED',
    message: expect.stringContaining('Runtime.UserCodeSyntaxError'),
    details: { file: path('util.py'), line: 2 },
  })
  await expect(served.call()).rejects.toMatchObject({ name: 'Runtime.UserCodeSyntaxError' })
  await expect(served.session.reload('api')).rejects.toMatchObject({ code: 'BUILD_FAILED' })

  expect(await served.after(write('util.py', 'from missing import WORD'))).toMatchObject({
    error: { message: expect.stringContaining("No module named 'missing'") },
  })
  expect(await served.after(write('missing.py', 'WORD = 3'))).not.toHaveProperty('error')
  expect(await served.call()).toBe(3)
})

test.each([
  ['a missing export', 'module.exports = {}', 'Runtime.HandlerNotFound'],
  ['an error at load', "throw new TypeError('at load')", 'TypeError: at load'],
  ['a missing package', "require('nowhere')", 'Runtime.ImportModuleError'],
  ['an exit', 'process.exit(3)', 'exited with code 3'],
])('a reload reports %s, in threads and processes', async (_, source, message) => {
  for (const executor of [workerThreads(), childProcesses()]) {
    await project.write('api.cjs', 'exports.handler = async () => 1')
    await using served = await serving(path('api.cjs'), executor)
    expect(await served.call()).toBe(1)
    const { error } = await served.after(write('api.cjs', source))
    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining(message) })
    await expect(served.call()).rejects.toThrow()
    expect(await served.after(write('api.cjs', 'exports.handler = async () => 2'))).not.toHaveProperty(
      'error',
    )
    expect(await served.call()).toBe(2)
  }
})

test('a save of an import of a JavaScript module reloads it, and a missing import is awaited', async () => {
  await project.write('values.json', '1')
  await project.write('helper.js', "exports.value = require('./values.json')")
  await project.write('[a*].js', "const { value } = require('./helper')\nexports.handler = async () => value")
  await using served = await serving(path('[a*].js'), workerThreads())
  expect(await served.call()).toBe(1)
  await served.after(write('values.json', '2'))
  expect(await served.call()).toBe(2)
  const missing = await served.after(write('helper.js', "exports.value = require('./missing')"))
  expect(missing.error).toMatchObject({ message: expect.stringContaining('./missing') })
  await served.after(write('missing.js', 'module.exports = 3'))
  expect(await served.call()).toBe(3)
})

test.skipIf(process.platform === 'win32')(
  'a missing import that appears while the imports are listed is seen',
  async () => {
    await project.write('api.js', "require('./late/missing')\nrequire('./held')\nexports.handler = () => 1")
    // esbuild waits for a pipe's text; it has looked for the file before by then.
    execFileSync('mkfifo', [path('held.js')])
    const source = file(path('api.js'))
    await source.load()
    const changed = new Promise<void>((resolve) => source.watch?.(resolve))
    const held = await open(path('held.js'), 'w')
    await rm(path('held.js'))
    await project.write('held.js', '')
    await project.write('late/missing.js', '')
    await held.close()
    await changed
    await source.close?.()
  },
)

test('a save in a linked package that a JavaScript module imports reloads it', async () => {
  await project.write('packages/shared/package.json', '{ "name": "shared", "main": "main.js" }')
  await project.write('packages/shared/main.js', "exports.value = require('./value')")
  await project.write('packages/shared/value.js', 'module.exports = 1')
  await project.write('node_modules/installed/index.js', '')
  await symlink(path('packages/shared'), path('node_modules/shared'), 'junction')
  await project.write(
    'api.mjs',
    "import 'installed'\nimport { value } from 'shared'\nexport const handler = async () => value\nawait null",
  )
  await using served = await serving(path('api.mjs'), workerThreads())
  expect(await served.call()).toBe(1)
  await served.after(write('packages/shared/value.js', 'module.exports = 2'))
  expect(await served.call()).toBe(2)
})

test('a folder of imports that is removed and rewritten is followed', async () => {
  await project.write('lib/value.js', 'module.exports = 1')
  await project.write('api.js', "exports.handler = async () => require('./lib/value')")
  await using served = await serving(path('api.js'), workerThreads())
  expect(await served.call()).toBe(1)
  await served.after(async () => {
    await rm(path('lib'), { recursive: true })
    await mkdir(path('lib'))
    await writeFile(path('lib/value.js'), 'module.exports = 2')
  })
  expect(await served.call()).toBe(2)
})
