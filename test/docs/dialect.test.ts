import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { comments } from './comments.js'
import { dialectIn, paragraphs, testNames } from './dialect.js'
import { pages, read, root } from './pages.js'

/** The source files below folders, with everything that `find` returns for each. */
function inFiles<T>(folders: readonly string[], find: (path: string, source: string) => T[]) {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    )
    .filter((path) => /\.[jt]sx?$/.test(path) && !path.includes('node_modules'))
    .flatMap((path) => find(path, read(path)).map((found) => ({ path, ...found })))
}

const isRiddle = ({ text }: { text: string }) => dialectIn(text).length > 0
const sources = inFiles(['src'], comments).filter(isRiddle)

test('the counter finds a riddle in a comment, and leaves code and quotations alone', () => {
  const source = [
    '/** What is none. */',
    'export interface A {',
    '  /** Whoever asks. */',
    '  b: string',
    '}',
    "const who = '// who' // plain",
    '// first line,',
    '// of one that nobody reads',
    'const c = [/* whose */ who]',
  ].join('\n')
  const found = comments('a.ts', source).map(({ line, exported, text }) => ({
    line,
    exported,
    words: dialectIn(text),
  }))
  expect(found).toEqual([
    { line: 1, exported: true, words: ['What', 'is none'] },
    { line: 3, exported: true, words: ['Whoever'] },
    { line: 6, exported: false, words: [] },
    { line: 7, exported: false, words: ['one that', 'nobody'] },
    { line: 9, exported: false, words: ['whose'] },
  ])
  expect(dialectIn('`what` says "who is there" at https://example.com/what')).toEqual([])
})

test('docstrings of exports are plain', () => {
  expect(sources.filter(({ exported }) => exported).map(placed)).toEqual([])
})

test('under 100 comments of src are in the dialect', () => {
  expect(sources.length).toBeLessThan(100)
})

test('comments of examples and benchmarks are plain', () => {
  const found = inFiles(['examples', 'bench'], comments)
  expect(found.length).toBeGreaterThan(300)
  expect(found.filter(isRiddle).map(placed)).toEqual([])
})

test.each(pages)('%s is plain', (page) => {
  const found = paragraphs(read(page)).filter(isRiddle)
  expect(found.map((paragraph) => placed({ path: page, ...paragraph }))).toEqual([])
})

test.each(pages.filter((page) => page.startsWith('docs/')))('%s begins with its use', (page) => {
  const [title, first] = paragraphs(read(page))
  expect(title?.text).toMatch(/^# /)
  expect(first?.text).toMatch(/\byou(?:r|rself)?\b/i)
})

test('names of tests are plain', () => {
  const names = inFiles(['test', 'src/testing'], (_, source) => testNames(source))
  expect(names.length).toBeGreaterThan(1_000)
  expect(names.filter(isRiddle).map(placed)).toEqual([])
  const source = "test.each([\n  1,\n])('what is %s', () => {})\n  it(\x60nobody\x60, f)\nit('plain', f)"
  const riddles = testNames(source).filter(isRiddle)
  expect(riddles).toEqual([
    { line: 3, text: 'what is %s' },
    { line: 4, text: 'nobody' },
  ])
})

/** A riddle, with its place and the words that make it one. */
function placed({ path, line, text }: { path: string; line: number; text: string }): string {
  return `${path}:${line}: [${dialectIn(text).join(', ')}] ${text}`
}
