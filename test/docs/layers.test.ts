import { expect, test } from 'vitest'
import { readSources } from '../support/sources.js'
import { drawLayers, folderGraph, reduced, rowsOf } from './layers.js'
import { root } from './pages.js'

const STEPS = [
  'stub',
  'core/caller',
  'core/wire',
  'core/link',
  'transports',
  'core/session',
  'sources',
  'executors',
]

test('docs/pictures/layers.svg shows the imports of today: npm run docs:layers', async () => {
  await expect(drawLayers(folderGraph(readSources()), STEPS)).toMatchFileSnapshot(
    `${root}docs/pictures/layers.svg`,
  )
})

test('a folder lies above all that it imports, and an implied import is not drawn', () => {
  const graph = folderGraph(
    new Map([
      ['src/core/base/a.ts', ''],
      ['src/core/wire/b.ts', `import '../base/a.js'`],
      ['src/stub/c.ts', `import type { X } from '../core/wire/b.js'\nimport '../core/base/a.js'`],
    ]),
  )
  expect(rowsOf(graph)).toEqual(
    new Map([
      ['core/base', 0],
      ['core/wire', 1],
      ['stub', 2],
    ]),
  )
  expect(reduced(graph)).toEqual([
    ['core/wire', 'core/base'],
    ['stub', 'core/wire'],
  ])
})

test('a circle of folders is told, and a step that is no folder', () => {
  const circle = new Map([
    ['src/aws/a.ts', `import '../stub/b.js'`],
    ['src/stub/b.ts', `import '../aws/a.js'`],
  ])
  expect(() => rowsOf(folderGraph(circle))).toThrow('aws → stub → aws')
  expect(() => drawLayers(folderGraph(new Map([['src/aws/a.ts', '']])), ['stubs'])).toThrow('stubs')
})
