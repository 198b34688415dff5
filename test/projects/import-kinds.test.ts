import { expect, test } from 'vitest'
import { childProcesses, workerThreads } from '../../src/executors/index.js'
import { answersOf, type ImportLine } from './import-lines.js'
import { type Files, ServedProject } from './served-project.js'

const installed = (name: string, manifest: object, files: Files): Files => ({
  [`node_modules/${name}/package.json`]: { name, version: '1.0.0', ...manifest },
  ...Object.fromEntries(Object.entries(files).map(([file, text]) => [`node_modules/${name}/${file}`, text])),
})

/** A package for each way in which packages are made. */
const packages: Files = {
  ...installed('common', {}, { 'index.js': `module.exports = function common() { return 'common' }` }),
  ...installed(
    'computed',
    {},
    { 'index.js': `for (const name of ['sign', 'verify']) exports[name] = () => name` },
  ),
  ...installed(
    'compiled',
    {},
    {
      'index.js': `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'default'; exports.named = 'named'`,
    },
  ),
  ...installed(
    'modern',
    { type: 'module', exports: './index.js' },
    { 'index.js': `export default 'default'; export const named = 'named'` },
  ),
  ...installed(
    'mapped',
    {
      exports: { '.': './index.cjs', './sub': './lib/sub.cjs', './features/*': './lib/features/*.mjs' },
    },
    {
      'index.cjs': `module.exports = 'root'`,
      'lib/sub.cjs': `exports.sub = 'sub'`,
      'lib/features/one.mjs': `export const one = 'one'`,
    },
  ),
  // As OpenTelemetry's: Node cannot load what `module` leads to.
  ...installed(
    'bundled',
    { exports: { module: './esm/index.js', default: './index.cjs' } },
    {
      'esm/package.json': { type: 'module' },
      'esm/index.js': `export { where } from './where'`,
      'esm/where.js': `export const where = 'bundler'`,
      'index.cjs': `exports.where = 'node'`,
    },
  ),
  ...installed(
    'plain',
    {},
    {
      'index.js': '',
      'lib/file.js': `exports.file = 'file'`,
      'lib/folder/index.js': `exports.folder = 'folder'`,
    },
  ),
  ...installed('data', {}, { 'data.json': { key: 'value' } }),
  ...installed(
    'dual',
    { exports: { import: './index.mjs', require: './index.cjs' } },
    { 'index.mjs': `export const kind = 'import'`, 'index.cjs': `exports.kind = 'require'` },
  ),
  ...installed('@scope/named', { main: './lib/main' }, { 'lib/main.js': `exports.scope = 'scope'` }),
}

const own = (type: string): Files => ({
  'package.json': {
    name: '@shop/app',
    type,
    exports: { './prices': './src/prices.ts' },
    imports: { '#settings': './src/settings.ts', '#lib/*': './src/lib/*.ts', '#common': 'common' },
  },
  'tsconfig.json': { compilerOptions: { paths: { '~/*': ['./src/*'] } } },
  'src/prices.ts': `export const price: number = 3`,
  'src/settings.ts': `export const stage: string = 'dev'`,
  'src/lib/tax.ts': `export const tax: number = 7`,
  'src/table.json': { rows: 2 },
})

const lines: readonly ImportLine[] = [
  [`import common from 'common'`, 'common()', 'common'],
  [`import * as common from 'common'`, '(common as any).default()', 'common'],
  [`import { verify } from 'computed'`, 'verify()', 'verify'],
  [`import { named } from 'compiled'`, 'named', 'named'],
  [`import modern from 'modern'`, 'modern', 'default'],
  [`import { named } from 'modern'`, 'named', 'named'],
  [`import * as modern from 'modern'`, 'Object.keys(modern).sort().join()', 'default,named'],
  [`import { sub } from 'mapped/sub'`, 'sub', 'sub'],
  [`import { one } from 'mapped/features/one'`, 'one', 'one'],
  [`import { file } from 'plain/lib/file'`, 'file', 'file'],
  [`import { file } from 'plain/lib/file.js'`, 'file', 'file'],
  [`import { folder } from 'plain/lib/folder'`, 'folder', 'folder'],
  [`import data from 'data/data.json'`, 'data.key', 'value'],
  [`import data from 'data/data.json' with { type: 'json' }`, 'data.key', 'value'],
  [`import table from './table.json'`, 'table.rows', 2],
  [`import { kind } from 'dual'`, 'kind', 'import'],
  [`const { kind } = require('dual')`, 'kind', 'require'],
  [`import { where } from 'bundled'`, 'where', 'node'],
  [`import { scope } from '@scope/named'`, 'scope', 'scope'],
  [`import { sep } from 'node:path'`, 'typeof sep', 'string'],
  [`import fs, { readFileSync } from 'fs'`, 'fs.readFileSync === readFileSync', true],
  [`import { setTimeout as wait } from 'timers/promises'`, 'await wait(0, 1)', 1],
  [`const later = () => import('modern')`, '(await later()).default', 'default'],
  [`const later = () => import('computed')`, '(await later()).sign()', 'sign'],
  [`const later = () => import('./prices')`, '(await later()).price', 3],
  [`const name = 'computed'`, '(await import(name)).default.sign()', 'sign'],
  [`const common = require('common')`, 'common()', 'common'],
  [`import common = require('common')`, 'common()', 'common'],
  [`const { named } = require('modern')`, 'named', 'named'],
  [`import { price } from '@shop/app/prices'`, 'price', 3],
  [`import { stage } from '#settings'`, 'stage', 'dev'],
  [`import { tax } from '#lib/tax'`, 'tax', 7],
  [`import common from '#common'`, 'common()', 'common'],
  [`import { tax } from '~/lib/tax'`, 'tax', 7],
  [`import { price } from './prices.js'`, 'price', 3],
  [`import type { Nothing } from 'absent'`, '1', 1],
  [`import 'common'`, '1', 1],
]

test.each([
  // The type of the package decides how it is built, the executor where that runs: each of both once.
  ['commonjs', 'threads', workerThreads],
  ['module', 'processes', childProcesses],
])(
  'in a package of type %s, %s run each kind of import, cold and after a save',
  async (type, _, executor) => {
    await using project = await ServedProject.create({ ...packages, ...own(type) })
    expect(await answersOf(project, executor({ maxWorkers: 8 }), lines)).toEqual([])
  },
  120_000,
)
