import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findViolations } from '../support/boundaries.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('module boundaries', () => {
  it('hold in every source file', () => {
    const files = readSources()
    expect(files.size).toBeGreaterThan(5)
    expect(files.has('src/core/transport.ts')).toBe(true)
    expect(findViolations(files)).toEqual([])
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
      ['src/index.ts', `export { x } from './core/x.js'\nexport { iot } from './transports/iot.js'`],
      ['src/run-files.ts', `import { TetherError } from './core/errors.js'`],
    ])
    expect(findViolations(files)).toEqual([
      { file: 'src/stores/a.ts', specifier: '../index.js', rule: 'siblings-apart' },
    ])
  })

  it.each([
    ['src/core/a.ts', `import { b } from './b.js'\nimport { c } from '../core/c.js'\nimport 'eventemitter3'`],
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

function readSources(): Map<string, string> {
  const paths = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  return new Map(
    paths
      .filter((path) => path.endsWith('.ts'))
      .map((path) => [`src/${path.replaceAll('\\', '/')}`, readFileSync(join(root, 'src', path), 'utf8')]),
  )
}
