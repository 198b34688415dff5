import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { runFile } from '../../../src/run-files.js'
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

it('nothing of the page makes elements of a text', () => {
  const makers =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|createContextualFragment/i
  const sources = [...readSources()].filter(([path]) => path.startsWith('src/inspector/page/'))
  expect(sources.length).toBeGreaterThan(20)
  expect(sources.filter(([, text]) => makers.test(text)).map(([path]) => path)).toEqual([])
})
