import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCircles, findSharedNames, findViolations } from '../support/boundaries.js'
import { readSources } from '../support/sources.js'

describe('module boundaries', () => {
  it('hold in every source file', () => {
    const files = readSources()
    expect(files.size).toBeGreaterThan(5)
    expect(files.has('src/core/contracts/transport.ts')).toBe(true)
    expect(findViolations(files)).toEqual([])
  })

  it('leave no circular imports, including imports of types', () => {
    expect(findCircles(readSources())).toEqual([])
  })

  it('give every exported name one meaning', () => {
    expect(findSharedNames(readSources())).toEqual(new Map())
  })

  it('keep every folder to 16 files of its own', () => {
    const counts = new Map<string, number>()
    for (const file of readSources().keys()) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
    expect([...counts].filter(([, count]) => count > 16)).toEqual([])
  })

  it('find a circle of two or three modules, including imports of types', () => {
    const files = new Map([
      ['src/core/base/a.ts', `import type { B } from './b.js'`],
      ['src/core/base/b.ts', `export const c = () => import('./c.js')`],
      ['src/core/base/c.ts', `let a: import('./a.js').A`],
      ['src/core/base/d.ts', `import './a.js'`],
    ])
    expect(findCircles(files)).toEqual([['src/core/base/a.ts', 'src/core/base/b.ts', 'src/core/base/c.ts']])
  })

  it('find a name that two modules declare, but ignore a re-export', () => {
    const files = new Map([
      ['src/a.ts', 'export interface Same {}\nexport const one = 1'],
      ['src/b.ts', `export class Same {}\nexport { one } from './a.js'`],
      ['src/stub/entry/c.ts', 'export const one = 2'],
    ])
    expect(findSharedNames(files)).toEqual(new Map([['Same', ['src/a.ts', 'src/b.ts']]]))
  })

  it.each([
    [
      'core importing a sibling',
      'src/core/a.ts',
      `import { x } from '../transports/memory.js'`,
      'core-alone',
    ],
    [
      'core importing a sibling type',
      'src/core/a.ts',
      `import type { X } from '../local/x.js'`,
      'core-alone',
    ],
    ['core importing a root module', 'src/core/a.ts', `export * from '../run-files.js'`, 'core-alone'],
    ['core importing outside src', 'src/core/a.ts', `import p from '../../package.json'`, 'core-alone'],
    ['core importing lazily', 'src/core/a.ts', `const x = () => import('../stub/index.js')`, 'core-alone'],
    ['core importing from deeper', 'src/core/b/a.ts', `import '../../executors/index.js'`, 'core-alone'],
    [
      'core naming a sibling in a type',
      'src/core/a.ts',
      `let x: import('../sources/file.js').X`,
      'core-alone',
    ],
    [
      'a lower folder of core importing a higher',
      'src/core/wire/a.ts',
      `import type { X } from '../session/x.js'`,
      'core-downwards',
    ],
    [
      'folders of one rank importing each other',
      'src/core/caller/a.ts',
      `import { x } from '../session/x.js'`,
      'core-downwards',
    ],
    [
      'core importing a file that is in no folder',
      'src/core/caller/a.ts',
      `import { x } from '../x.js'`,
      'core-downwards',
    ],
    ['a new folder of core without a rank', 'src/core/new/a.ts', `import '../base/x.js'`, 'core-downwards'],
    ['aws importing a sibling', 'src/aws/a.ts', `import { x } from '../stores/s3.js'`, 'foundation'],
    ['network importing aws', 'src/network/a.ts', `import { x } from '../aws/sdk.js'`, 'foundation'],
    ['report importing a sibling', 'src/report/a.ts', `import '../executors/inline.js'`, 'foundation'],
    ['one sibling importing another', 'src/executors/a.ts', `import '../sources/file.js'`, 'siblings-apart'],
    ['a sibling importing a composer', 'src/transports/a.ts', `import '../stub/index.js'`, 'siblings-apart'],
    [
      'a static AWS import',
      'src/transports/a.ts',
      `import { X } from '@aws-sdk/client-iot'`,
      'optional-lazily',
    ],
    [
      'a static import of types by name',
      'src/local/a.ts',
      `import { type A } from 'aedes'`,
      'optional-lazily',
    ],
    ['a static re-export', 'src/sources/a.ts', `export * from 'esbuild'`, 'optional-lazily'],
    ['a static import for effect', 'src/sources/a.ts', `import 'esbuild'`, 'optional-lazily'],
    ['a require', 'src/local/a.ts', `const { Aedes } = require('aedes')`, 'optional-lazily'],
  ])('find %s', (_name, file, text, rule) => {
    expect(findViolations(new Map([[file, text]]))).toEqual([expect.objectContaining({ file, rule })])
  })

  it('find a sibling that reaches another through a root module', () => {
    const files = new Map([
      ['src/stores/a.ts', `import { x } from '../index.js'`],
      ['src/stores/b.ts', `import { runFile } from '../run-files.js'`],
      ['src/index.ts', `export { x } from './core/base/x.js'\nexport { iot } from './transports/iot.js'`],
      ['src/run-files.ts', `import { TetherError } from './core/base/errors.js'`],
    ])
    expect(findViolations(files)).toEqual([
      { file: 'src/stores/a.ts', specifier: '../index.js', rule: 'siblings-apart' },
    ])
  })

  it.each([
    [
      'src/core/wire/a.ts',
      `import { b } from './b.js'\nimport { c } from '../base/c.js'\nimport 'eventemitter3'`,
    ],
    ['src/core/session/a.ts', `import { b } from '../naming/b.js'\nimport { c } from '../contracts/c.js'`],
    ['src/stores/a.ts', `import { b } from '../aws/b.js'`],
    ['src/aws/a.ts', `import { b } from '../core/base/b.js'`],
    ['src/transports/a.ts', `import { b } from '../core/b.js'\nimport { runFile } from '../run-files.js'`],
    ['src/executors/entry/a.ts', `import { b } from '../b.js'\nimport { c } from '../../core/c.js'`],
    ['src/local/a.ts', `import '../transports/mqtt.js'\nimport '../executors/index.js'`],
    ['src/sources/a.ts', `import type { Plugin } from 'esbuild'\nconst load = () => import('esbuild')`],
    ['src/transports/a.ts', `type Sdk = typeof import('@aws-sdk/client-iot')`],
    ['src/sources/a.ts', `// import 'esbuild'\nconst text = "import 'aedes'"\nimport './esbuild.js'`],
  ])('allow in %s: %s', (file, text) => {
    expect(findViolations(new Map([[file, text]]))).toEqual([])
  })
})
