import { renameSync, writeFileSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, FunctionSource } from '../../src/index.js'
import { esbuild, esbuildAll } from '../../src/sources/esbuild.js'
import { type HandlerProject, handlerProject, resultOf, taskFor } from '../executors/handler-project.js'

let project: HandlerProject
let executor: Executor
const sources: FunctionSource[] = []

beforeEach(async () => {
  project = await handlerProject({
    'package.json': '{ "name": "mono", "workspaces": ["packages/*"] }',
    'node_modules/dep/package.json': '{ "name": "dep", "version": "1.0.0" }',
    'node_modules/dep/index.js': 'module.exports = "dep"',
    'node_modules/.package-lock.json': '{}',
    'packages/core/package.json': JSON.stringify({
      name: '@mono/core',
      exports: { '.': './src/index.ts', './*': './src/*.ts' },
    }),
    'packages/core/src/index.ts': `import dep from 'dep'\nexport const core: string = 'core with ' + dep`,
    'packages/core/src/kinds.ts': `export enum Kind { A = 'a kind' }`,
    'packages/core/src/place.ts': `#!/usr/bin/env node\nexport const place = [__filename, __dirname, import.meta.url, import.meta.resolve('./x')]`,
    'packages/fn/package.json': '{ "name": "@mono/fn" }',
    'packages/fn/src/own.ts': `export const own = [__filename, import.meta.url]`,
  })
  await link('@mono/core', 'packages/core')
  executor = workerThreads()
})

afterEach(async () => {
  await executor.close()
  for (const source of sources.splice(0)) await source.close!()
  await project[Symbol.asyncDispose]()
})

const at = (path: string) => join(project.folder, path)

async function link(name: string, folder: string) {
  await project.write(join(dirname(`node_modules/${name}`), '.keep'), '')
  await symlink(at(folder), at(`node_modules/${name}`), 'junction')
}

async function served(code: string, name = 'packages/fn/src/api.ts') {
  const source = esbuild(await project.write(name, code))
  sources.push(source)
  let onChange = () => {}
  source.watch!(() => onChange())
  return {
    source,
    run: async () => resultOf(await executor.execute(taskFor('', {}, { build: await source.load() }))),
    /** Resolves when a change was seen after `action`. */
    changeAfter: (action: () => void) =>
      new Promise<void>((resolve) => {
        onChange = resolve
        action()
      }),
  }
}

describe('a package that is linked', () => {
  test('is built with the function, and its saves are seen', async () => {
    const { run, changeAfter } = await served(
      `import { core } from '@mono/core'\nimport { Kind } from '@mono/core/kinds'\nexport const handler = async () => [core, Kind.A]`,
    )
    expect(await run()).toEqual(['core with dep', 'a kind'])
    await changeAfter(() =>
      writeFileSync(at('packages/core/src/kinds.ts'), `export enum Kind { A = 'another' }`),
    )
    expect(await run()).toEqual(['core with dep', 'another'])
  })

  test('is built from the output of its own compiler', async () => {
    await project.write('packages/built/package.json', '{ "name": "@mono/built", "main": "dist/index.js" }')
    await project.write('packages/built/dist/index.js', `exports.version = 'one'`)
    await link('@mono/built', 'packages/built')
    const { run, changeAfter } = await served(
      `import { version } from '@mono/built'\nexport const handler = async () => version`,
    )
    expect(await run()).toBe('one')
    await changeAfter(() => writeFileSync(at('packages/built/dist/index.js'), `exports.version = 'two'`))
    expect(await run()).toBe('two')
  })

  test('has paths of its own files, and the entry’s package paths of the entry', async () => {
    const { run } = await served(
      `import { place } from '@mono/core/place'\nimport { own } from './own'\nexport const handler = async () => ({ place, own, entry: [__filename, import.meta.url] })`,
    )
    const [core, entry] = [at('packages/core/src/place.ts'), at('packages/fn/src/api.ts')]
    const next = pathToFileURL(at('packages/core/src/x')).href
    expect(await run()).toEqual({
      place: [core, dirname(core), pathToFileURL(core).href, next],
      own: [entry, pathToFileURL(entry).href],
      entry: [entry, pathToFileURL(entry).href],
    })
  })

  test('keeps a thrown error’s line', async () => {
    await project.write(
      'packages/core/src/fails.ts',
      `export const where: string = __filename\nexport function fail(): never {\n  throw new Error(where)\n}`,
    )
    const { run } = await served(
      `import { fail } from '@mono/core/fails'\nexport const handler = async () => { try { fail() } catch (error: any) { return error.stack.split('\\n')[1] } }`,
    )
    expect(await run()).toContain(`${at('packages/core/src/fails.ts')}:3:9`)
  })
})

test('functions of several packages that are built together each have the place of their own', async () => {
  const paths = ['packages/fn/src/api.ts', 'packages/core/src/api.ts']
  for (const path of paths)
    await project.write(
      path,
      `import { place } from '@mono/core/place'\nexport const handler = async () => [__filename, place[0]]`,
    )
  const all = esbuildAll({ fn: paths[0]!, core: paths[1]! }, { cwd: project.folder })
  sources.push(...Object.values(all))
  const run = async (source: FunctionSource) =>
    resultOf(await executor.execute(taskFor('', {}, { build: await source.load() })))
  expect(await run(all.fn)).toEqual([at(paths[0]!), at('packages/core/src/place.ts')])
  // Its own package's modules have the entry's place, as in a bundle.
  expect(await run(all.core)).toEqual([at(paths[1]!), at(paths[1]!)])
})

describe('a build also watches', () => {
  const compiler = (compilerOptions: object, more = {}) => JSON.stringify({ compilerOptions, ...more })

  test('a new tsconfig.json with an alias that repairs a failed build', async () => {
    await project.write('packages/fn/lib/a.ts', `export const a = 'aliased'`)
    const { source, run, changeAfter } = await served(
      `import { a } from '@x/a'\nexport const handler = async () => a`,
    )
    await expect(source.load()).rejects.toMatchObject({ code: 'BUILD_FAILED' })
    const text = compiler({ paths: { '@x/*': ['./lib/*'] } })
    await changeAfter(() => writeFileSync(at('packages/fn/tsconfig.json'), text))
    expect(await run()).toBe('aliased')
  })

  test('a base of the tsconfig.json', async () => {
    await project.write('tsconfig.base.json', compiler({ jsxFactory: 'one' }))
    await project.write('packages/fn/tsconfig.json', '{ "extends": "../../tsconfig.base" /* shared */ }')
    const { run, changeAfter } = await served(
      `const [one, two] = [() => 'one', () => 'two']\nexport const handler = async () => <div />`,
      'packages/fn/src/api.tsx',
    )
    expect(await run()).toBe('one')
    await changeAfter(() => writeFileSync(at('tsconfig.base.json'), compiler({ jsxFactory: 'two' })))
    expect(await run()).toBe('two')
  })

  test('the package.json of a package that it contains', async () => {
    const { run, changeAfter } = await served(
      `import { core } from '@mono/core'\nexport const handler = async () => core`,
    )
    expect(await run()).toBe('core with dep')
    await project.write('packages/core/src/other.ts', `export const core = 'other'`)
    await changeAfter(() =>
      writeFileSync(
        at('packages/core/package.json'),
        '{ "name": "@mono/core", "exports": "./src/other.ts" }',
      ),
    )
    expect(await run()).toBe('other')
  })

  test('an installation', async () => {
    const { run, changeAfter } = await served(`import dep from 'dep'\nexport const handler = async () => dep`)
    expect(await run()).toBe('dep')
    await changeAfter(() => {
      writeFileSync(at('node_modules/dep/index.js'), 'module.exports = "newer"')
      writeFileSync(at('node_modules/next'), '{ "newer": true }')
      renameSync(at('node_modules/next'), at('node_modules/.package-lock.json'))
    })
    expect(await run()).toBe('newer')
  })
})
