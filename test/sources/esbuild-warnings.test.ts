import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Plugin, transform } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { FunctionSource } from '../../src/index.js'
import { sourceOf } from '../../src/sources/spec.js'
import { root } from '../docs/pages.js'
import { programsOf } from '../docs/programs.js'
import { type HandlerProject, handlerProject, resultOf, taskFor } from '../executors/handler-project.js'

let project: HandlerProject
const sources: FunctionSource[] = []

beforeEach(async () => {
  project = await handlerProject({ 'package.json': '{}' })
})

afterEach(async () => {
  for (const source of sources.splice(0)) await source.close!()
  await project[Symbol.asyncDispose]()
})

function sourceFor(path: string, options: Parameters<typeof sourceOf>[1] = {}): FunctionSource {
  const source = sourceOf(path, { cwd: project.folder, ...options })
  sources.push(source)
  return source
}

test('a build has esbuild’s warnings with file and line, without warnings of other functions', async () => {
  await project.write(
    'odd.ts',
    `export const handler = async () => 1\nexport const odd = -0 === -0 && typeof odd === 'objekt'`,
  )
  const { warnings } = await sourceFor('./odd.ts').load()
  expect(warnings).toEqual([
    {
      file: join(project.folder, 'odd.ts'),
      line: 2,
      column: expect.any(Number),
      text: expect.stringContaining('objekt'),
    },
  ])
})

const METADATA = JSON.stringify({
  compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true },
})
/** Says which type the decorator saw, by what decorators read. */
const DECORATED = `
  const seen: Record<string, any> = {}
  ;(Reflect as any).metadata = (key: string, value: unknown) => () => { seen[key] = value }
  function Field(target: unknown, name: string) {}
  class Item {}
  export class Order { @Field item!: Item }
  export const handler = async () => seen['design:type']?.name ?? 'none'`

test('decorator metadata in a tsconfig.json causes one warning if there are decorators', async () => {
  await project.write('tsconfig.base.json', METADATA)
  await project.write('tsconfig.json', '{ "extends": "./tsconfig.base.json" }')
  for (const name of ['one.ts', 'two.ts']) await project.write(name, DECORATED)
  await project.write('plain.ts', '/**\n * @returns 1\n */\nexport const handler = async () => 1')
  const told = new Set<string>()
  expect((await sourceFor('./plain.ts', { told }).load()).warnings).toEqual([])
  const one = sourceFor('./one.ts', { told })
  const file = join(project.folder, 'tsconfig.base.json')
  expect((await one.load()).warnings).toEqual([
    { file, text: expect.stringContaining('emitDecoratorMetadata') },
  ])
  expect((await one.load()).warnings).toEqual([])
  expect((await sourceFor('./two.ts', { told }).load()).warnings).toEqual([])
})

test('the plugin in the documentation writes it, without a warning', async () => {
  const page = readFileSync(join(root, 'docs/sources.md'), 'utf8')
  const recipe = programsOf('docs/sources.md', page).find(({ source }) =>
    source.includes('const decoratorMetadata'),
  )
  const { code } = await transform(recipe!.source, { loader: 'ts' })
  // In a folder without a `#`, which vitest would take for the end of the path.
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-recipe-'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  await writeFile(join(folder, 'recipe.mjs'), code)
  const recipes = (await import(pathToFileURL(join(folder, 'recipe.mjs')).href)) as {
    decoratorMetadata: Plugin
  }
  const { decoratorMetadata } = recipes
  await rm(folder, { recursive: true })
  await project.write('tsconfig.json', METADATA)
  await project.write('api.ts', DECORATED)
  const build = await sourceFor('./api.ts', { build: { plugins: [decoratorMetadata] } }).load()
  expect(build.warnings).toEqual([])
  const executor = workerThreads()
  expect(resultOf(await executor.execute(taskFor('', {}, { build })))).toBe('Item')
  await executor.close()
})
