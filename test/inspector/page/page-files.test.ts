import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { runFile } from '../../../src/run-files.js'
import { referencesOf } from '../../support/boundaries.js'
import { readSources } from '../../support/sources.js'

const files = (['page-html', 'page-script', 'page-style'] as const).map((name) => readFileSync(runFile(name)))

it('the page has at most 60 KB, compressed', () => {
  const bytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0)
  expect(bytes).toBeLessThan(60_000)
})

it('the page has no script and no style within, and asks no other host', () => {
  const [html, , style] = files.map(String)
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)| on\w+=/)
  expect(style).not.toMatch(/@import|url\(/)
})

it('the page imports nothing from outside', () => {
  const imported = [...readSources()]
    .filter(([path]) => path.startsWith('src/inspector/page/'))
    .flatMap(([path, text]) =>
      referencesOf(path, text).map(({ specifier }) =>
        specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
      ),
    )
  const outside = imported.filter((one) => !one.startsWith('src/inspector/page/'))
  expect(new Set(outside)).toEqual(new Set(['preact', 'preact/hooks', '@preact/signals']))
})

it('nothing of the page makes elements of a text', () => {
  const makers =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|createContextualFragment/i
  const sources = [...readSources()].filter(([path]) => path.startsWith('src/inspector/page/'))
  expect(sources.length).toBeGreaterThan(20)
  expect(sources.filter(([, text]) => makers.test(text)).map(([path]) => path)).toEqual([])
})
