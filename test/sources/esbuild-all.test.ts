import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, FunctionSource } from '../../src/index.js'
import { esbuildAll } from '../../src/sources/esbuild.js'
import { type HandlerProject, handlerProject, resultOf, taskFor } from '../executors/handler-project.js'
import { eventually } from '../support/eventually.js'

let project: HandlerProject
let executor: Executor
let sources: Record<'api' | 'web' | 'other', FunctionSource>
let builds = 0

const counting: Plugin = {
  name: 'counting',
  setup: (build) => {
    build.onEnd(() => {
      builds++
    })
  },
}

beforeEach(async () => {
  project = await handlerProject({
    'package.json': '{}',
    'api.ts': `import { common } from './common'\nexport const handler = async () => 'api ' + common + ' ' + __filename`,
    'web.ts': `import { common } from './common'\nexport const web = async (): Promise<string> => 'web ' + common`,
    'common.ts': `export const common: string = 'one'`,
    'elsewhere/node_modules/dep/package.json': JSON.stringify({
      name: 'dep',
      type: 'module',
      exports: './index.js',
    }),
    'elsewhere/node_modules/dep/index.js': `export default 'its own dependency'`,
    'elsewhere/web.ts': `import dep from 'dep'\nexport const handler = async () => dep`,
  })
  builds = 0
  executor = workerThreads({ spares: 0 })
  sources = esbuildAll(
    { api: './api.ts', web: './web.ts#web', other: './elsewhere/web.ts' },
    { cwd: project.folder, plugins: [counting] },
  )
})

afterEach(async () => {
  await executor.close()
  for (const source of Object.values(sources)) await source.close?.()
  await project[Symbol.asyncDispose]()
})

const run = async (name: keyof typeof sources) => {
  const build = await sources[name].load()
  return resultOf(await executor.execute(taskFor('', {}, { functionId: name, build })))
}

/** Which functions are told of changes from now on. */
function changes() {
  const told: string[] = []
  const watches = Object.entries(sources).map(([name, source]) => source.watch?.(() => told.push(name)))
  return {
    told,
    [Symbol.dispose]: () => {
      for (const watch of watches) watch?.[Symbol.dispose]()
    },
  }
}

test('functions are built together, each as a module at its own place, with the packages of its own folder', async () => {
  const all = await Promise.all((['api', 'web', 'other'] as const).map(run))
  expect(all).toEqual([`api one ${join(project.folder, 'api.ts')}`, 'web one', 'its own dependency'])
})

test('a save notifies the functions that were built from the file, and one build serves them', async () => {
  await Promise.all([run('api'), run('web')])
  using watched = changes()
  builds = 0
  await project.write(
    'web.ts',
    `import { common } from './common'\nexport const web = async () => 'new ' + common`,
  )
  await eventually(() => expect(watched.told).toEqual(['web']))
  expect(await run('web')).toBe('new one')
  expect(builds).toBe(1)
  await project.write('common.ts', `export const common = 'two'`)
  await eventually(() => expect(watched.told.slice(1).sort()).toEqual(['api', 'web']))
  const [api, web] = await Promise.all([run('api'), run('web')])
  expect([api, web]).toEqual([expect.stringContaining('api two'), 'new two'])
  expect(builds).toBe(2)
})

test('a function that does not build leaves the others alone', async () => {
  await Promise.all([run('api'), run('web')])
  await project.write('api.ts', 'export const handler = async () => {')
  await expect(run('api')).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    details: { file: join(project.folder, 'api.ts'), line: 1 },
  })
  await project.write('web.ts', `export const web = async () => 'still builds'`)
  expect(await run('web')).toBe('still builds')
  await project.write('api.ts', `export const handler = async () => 'repaired'`)
  expect(await run('api')).toBe('repaired')
})

test('a function that awaits at its top level is built as an ES module, and the others as before', async () => {
  await run('web')
  await project.write(
    'api.ts',
    `export const value = await Promise.resolve('waited')\nexport const handler = async () => value + typeof module`,
  )
  await project.write('web.ts', `export const web = async () => 'web ' + typeof module`)
  expect([await run('api'), await run('web'), await run('api')]).toEqual([
    'waitedundefined',
    'web object',
    'waitedundefined',
  ])
})

test('stack traces name the sources’ lines', async () => {
  await project.write(
    'api.ts',
    `interface Nothing {}\n\nexport const handler = async () => { throw new Error('here') }`,
  )
  const build = await sources.api.load()
  const outcome = await executor.execute(taskFor('', {}, { build }))
  expect(outcome).toMatchObject({
    error: { trace: expect.arrayContaining([expect.stringMatching(/api\.ts:3:\d+/)]) },
  })
})

test('the shared build ends with the last of its sources', async () => {
  const build = await sources.api.load()
  await sources.web.load()
  await sources.api.close?.()
  expect(existsSync((build as { path: string }).path)).toBe(true)
  expect(await run('web')).toBe('web one')
  await sources.web.close?.()
  expect(existsSync(join(project.folder, 'node_modules'))).toBe(false)
})

test('an invalid target or option is refused by name', () => {
  expect(() => esbuildAll({ api: '' })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => esbuildAll({ api: './api.ts' }, { minfy: true } as never)).toThrow(/'minfy' is no option/)
})
