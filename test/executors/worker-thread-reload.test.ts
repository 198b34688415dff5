import { existsSync } from 'node:fs'
import { rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, FunctionSource } from '../../src/index.js'
import { esbuild } from '../../src/sources/esbuild.js'
import { eventually } from '../support/eventually.js'
import { errorOf, type HandlerProject, handlerProject, resultOf, taskFor } from './handler-project.js'

let project: HandlerProject
let executor: Executor
let source: FunctionSource

/** What a dependency saw when it was evaluated. */
const DEPENDENCY = `
export const version = 1
export const seen = { table: process.env.TABLE, home: process.env.HOME !== undefined, host: process.env.HOST_ONLY, at: performance.timeOrigin + performance.now() }
`
const HANDLER = (version: number, more = '') => `
import { seen, version as dependency } from 'dep'
${more}
export const handler = async () => ({ version: ${version}, dependency, seen })
`

beforeEach(async () => {
  project = await handlerProject({
    // What a package.json further up says, such as `sideEffects: false`, does not hold here.
    'package.json': '{}',
    'node_modules/dep/package.json': JSON.stringify({ name: 'dep', type: 'module', exports: './index.js' }),
    'node_modules/dep/index.js': DEPENDENCY,
    'api.ts': HANDLER(1),
  })
  process.env.HOST_ONLY = 'host'
  executor = workerThreads()
  source = esbuild({ entry: join(project.folder, 'api.ts') })
})

afterEach(async () => {
  delete process.env.HOST_ONLY
  await executor.close()
  await source.close?.()
  await project[Symbol.asyncDispose]()
})

async function invoke(env: Record<string, string> = { TABLE: 'orders' }, environmentId = 'environment-1') {
  const task = taskFor('', {}, { build: await source.load(), env, environmentId })
  const outcome = await executor.execute(task)
  return { ...task, outcome }
}

async function reload() {
  const build = await source.load()
  await executor.reload('api', build)
  return build
}

async function runs(build: Awaited<ReturnType<typeof reload>>, env = { TABLE: 'orders' }) {
  const task = taskFor('', {}, { build, env })
  return { outcome: await executor.execute(task), lines: task.lines.map(({ text }) => text) }
}

/** A spare has loaded what it may. */
const standsBy = () => eventually(() => expect(executor.stats?.().api?.spares).toBe(1))
const now = () => performance.timeOrigin + performance.now()

interface Seen {
  version: number
  dependency: number
  seen: { table: string; home: boolean; host?: string; at: number }
}

describe('a reload with a spare', () => {
  test('has its dependencies loaded before the save, with the function’s environment and nothing of the host’s', async () => {
    const before = resultOf((await invoke()).outcome) as Seen
    expect(before).toMatchObject({ version: 1, seen: { table: 'orders', home: true } })
    await standsBy()
    const savedAt = now()
    await project.write('api.ts', HANDLER(2))
    const after = resultOf((await runs(await reload())).outcome) as Seen
    expect(after).toMatchObject({ version: 2, seen: { table: 'orders', home: true } })
    expect(after.seen.host).toBeUndefined()
    expect(after.seen.at).toBeLessThan(savedAt)
    expect(after.seen.at).toBeGreaterThan(before.seen.at)
    expect(executor.stats?.().api).toMatchObject({ coldStarts: 1, reloads: 1 })
    expect(executor.stats?.().api?.memoryBytes).toBeGreaterThan(1_000_000)
  })

  test('starts from a fresh module graph each time: no state of the code before is left', async () => {
    const counting = (version: number) => `
      globalThis.count ??= 0
      let calls = 0
      export const handler = async () => ({ version: ${version}, count: ++globalThis.count, calls: ++calls })`
    await project.write('api.ts', counting(1))
    await invoke()
    expect(resultOf((await invoke()).outcome)).toMatchObject({ version: 1, count: 1 })
    for (const version of [2, 3, 4]) {
      await standsBy()
      await project.write('api.ts', counting(version))
      const build = await reload()
      expect(resultOf((await runs(build)).outcome)).toEqual({ version, count: 1, calls: 1 })
      expect(resultOf((await runs(build)).outcome)).toEqual({ version, count: 2, calls: 2 })
    }
  })

  test('gets a dependency as installed now, not as of the spare’s start', async () => {
    await invoke()
    await standsBy()
    // As package managers do: a folder of its own, then a rename.
    await project.write(
      'next/package.json',
      JSON.stringify({ name: 'dep', type: 'module', exports: './index.js' }),
    )
    await project.write('next/index.js', DEPENDENCY.replace('version = 1', 'version = 2'))
    await rename(join(project.folder, 'node_modules/dep'), join(project.folder, 'before'))
    await rename(join(project.folder, 'next'), join(project.folder, 'node_modules/dep'))
    await project.write('api.ts', HANDLER(2))
    expect(resultOf((await runs(await reload())).outcome)).toMatchObject({ version: 2, dependency: 2 })
  })

  test('preloads no package imported after a module of the function with side effects', async () => {
    await project.write('node_modules/reads/package.json', '{ "name": "reads" }')
    await project.write('node_modules/reads/index.js', 'exports.mode = process.env.MODE ?? "unset"')
    await project.write('node_modules/first/index.js', 'globalThis.loadedAt = performance.now()')
    const variants: [string, string][] = [
      ['effect.ts', `import './effect'`],
      ['deep.ts', `import './deep'`],
      ['named.ts', `import { set } from './named'\nset`],
    ]
    const set = (mode: string) => `process.env.MODE = '${mode}'\nexport const set = true`
    // In a way that no look at the text tells.
    await project.write('effect-below.ts', `export const set = Reflect.set(process.env, 'MODE', 'effect')`)
    await project.write('effect.ts', `import { set } from './effect-below'\nexport const one = set`)
    await project.write('deep.ts', `import './deep-below'`)
    await project.write('deep-below.ts', `Object.assign(process.env, { MODE: 'deep' })`)
    await project.write('named.ts', set('named'))
    for (const [file, imported] of variants) {
      const code = `import 'first'\n${imported}\nimport { mode } from 'reads'\nexport const handler = async () => mode`
      await project.write('api.ts', code)
      const wanted = file.replace('.ts', '')
      expect(resultOf((await runs(await reload())).outcome)).toBe(wanted)
      await standsBy()
      await project.write('api.ts', `${code} // saved`)
      expect(resultOf((await runs(await reload())).outcome)).toBe(wanted)
    }
  })

  test('preloads packages imported after modules without side effects, and imports of linked packages', async () => {
    await project.write('packages/linked/package.json', '{ "name": "linked", "main": "./index.ts" }')
    await project.write(
      'packages/linked/index.ts',
      `export { seen } from 'dep'\nexport const linked: number = 1`,
    )
    await symlink(
      join(project.folder, 'packages/linked'),
      join(project.folder, 'node_modules/linked'),
      'junction',
    )
    await project.write('own.ts', 'export const own = 1')
    const code = `import { own } from './own'\nimport { linked, seen } from 'linked'\nexport const handler = async () => ({ own, linked, seen })`
    await project.write('api.ts', code)
    await invoke()
    await standsBy()
    const savedAt = performance.timeOrigin + performance.now()
    await project.write(
      'packages/linked/index.ts',
      `export { seen } from 'dep'\nexport const linked: number = 2`,
    )
    const { linked, seen } = resultOf((await runs(await reload())).outcome) as {
      linked: number
      seen: { at: number }
    }
    expect(linked).toBe(2)
    expect(seen.at).toBeLessThan(savedAt)
  })

  test('preloads nothing that the code imports or requires only at run time', async () => {
    await project.write(
      'api.ts',
      `globalThis.first = true
       export const handler = async () => ((await import('lazy')).default + ' ' + require('required'))`,
    )
    const says = (format: string) => `${format} globalThis.first ? 'after' : 'ahead'`
    await project.write(
      'node_modules/lazy/package.json',
      JSON.stringify({ name: 'lazy', type: 'module', exports: './index.js' }),
    )
    await project.write('node_modules/lazy/index.js', says('export default'))
    await project.write(
      'node_modules/required/package.json',
      JSON.stringify({ name: 'required', main: 'index.js' }),
    )
    await project.write('node_modules/required/index.js', says('module.exports ='))
    expect(resultOf((await invoke()).outcome)).toBe('after after')
    await standsBy()
    expect(resultOf((await runs(await reload())).outcome)).toBe('after after')
  })

  test('assigns output of the loading new code to its first invocation', async () => {
    await invoke()
    await standsBy()
    await project.write('api.ts', `console.log('loaded')\n${HANDLER(2)}`)
    const build = await reload()
    const { outcome, lines } = await runs(build)
    expect(resultOf(outcome)).toMatchObject({ version: 2 })
    expect(lines).toEqual(['loaded'])
    expect((await runs(build)).lines).toEqual([])
  })

  test.each([
    ['throws', `throw new RangeError('not today')`, 'RangeError'],
    ['exits', 'process.exit(3)', 'Runtime.ExitError'],
    ['awaits what never comes', 'await new Promise(() => {})', 'Runtime.NodeJsExit'],
    ['fails outside of any promise', `queueMicrotask(() => { throw new RangeError('late') })`, 'RangeError'],
  ])(
    'reports new code that %s when loaded to the next invocation, and recovers',
    async (_, code, errorType) => {
      await invoke()
      await standsBy()
      await project.write('api.ts', `${HANDLER(2)}\n${code}`)
      const build = await source.load()
      // Code that never finishes loading would hold the reload up for ten seconds: the invocation finds out at once.
      const reloading = executor.reload('api', build)
      expect(errorOf((await runs(build)).outcome)).toMatchObject({ errorType })
      await reloading
      await project.write('api.ts', HANDLER(3))
      expect(resultOf((await runs(await reload())).outcome)).toMatchObject({ version: 3 })
    },
  )

  test('keeps a version’s files while it runs, and removes them when nothing does', async () => {
    const held = async () => {
      const build = await source.load()
      return { build, path: (build as { path: string }).path, current: build.hold?.() }
    }
    const over = join(project.folder, 'over')
    await project.write(
      'api.ts',
      `import { existsSync } from 'node:fs'
       export const handler = async () => {
         while (!existsSync(${JSON.stringify(over)})) await new Promise((resolve) => setTimeout(resolve, 5))
         return 1
       }`,
    )
    const first = await held()
    const running = executor.execute(taskFor('', {}, { build: first.build }))
    await project.write('api.ts', HANDLER(2))
    const second = await held()
    first.current?.[Symbol.dispose]()
    await executor.reload('api', second.build)
    expect(existsSync(first.path)).toBe(true)
    await project.write('over', '')
    expect(resultOf(await running)).toBe(1)
    await eventually(() => expect(existsSync(first.path)).toBe(false))
    expect(existsSync(second.path)).toBe(true)
    // An idle worker still may read its source map, or its own text.
    const third = await held()
    second.current?.[Symbol.dispose]()
    expect(existsSync(second.path)).toBe(true)
    await executor.reload('api', third.build)
    await eventually(() => expect(existsSync(second.path)).toBe(false))
  })
})

test('a prewarmed thread has the first invocation’s environment before it loads anything', async () => {
  const build = await source.load()
  executor.prewarm?.('api', build)
  expect(executor.stats?.().api).toMatchObject({ workers: 1, spares: 0, coldStarts: 0 })
  const task = taskFor('', {}, { build, env: { TABLE: 'orders' } })
  expect(resultOf(await executor.execute(task))).toMatchObject({
    version: 1,
    seen: { table: 'orders', home: true },
  })
  await standsBy()
  expect(executor.stats?.().api).toMatchObject({ workers: 2, coldStarts: 1 })
})
