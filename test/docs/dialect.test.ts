import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { comments } from './comments.js'
import { dialectIn, paragraphs, testNames } from './dialect.js'
import { pages, read, root } from './pages.js'

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .flatMap((file) => {
    const path = join('src', file)
    return comments(path, readFileSync(join(root, path), 'utf8')).map((comment) => ({ path, ...comment }))
  })
  .filter(({ text }) => dialectIn(text).length > 0)

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
  const found = ['examples', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.[jt]sx?$/.test(file) && !file.includes('node_modules'))
      .map((file) => join(folder, file))
      .flatMap((path) => comments(path, read(path)).map((comment) => ({ path, ...comment }))),
  )
  expect(found.length).toBeGreaterThan(300)
  expect(found.filter(({ text }) => dialectIn(text).length > 0).map(placed)).toEqual([])
})

test.each(pages)('%s is plain', (page) => {
  const found = paragraphs(read(page)).filter(({ text }) => dialectIn(text).length > 0)
  expect(found.map((paragraph) => placed({ path: page, ...paragraph }))).toEqual([])
})

test.each(pages.filter((page) => page.startsWith('docs/')))('%s begins with its use', (page) => {
  const [title, first] = paragraphs(read(page))
  expect(title?.text).toMatch(/^# /)
  expect(first?.text).toMatch(/\byou(?:r|rself)?\b/i)
})

test('names of tests are plain', () => {
  const names = ['test', 'src/testing'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => join(folder, file))
      .flatMap((path) => testNames(read(path)).map((name) => ({ path, ...name }))),
  )
  expect(names.length).toBeGreaterThan(1_000)
  expect(names.filter(({ text }) => dialectIn(text).length > 0).map(placed)).toEqual([])
  const source = "test.each([\n  1,\n])('what is %s', () => {})\n  it(\x60nobody\x60, f)\nit('plain', f)"
  const riddles = testNames(source).filter(({ text }) => dialectIn(text).length > 0)
  expect(riddles).toEqual([
    { line: 3, text: 'what is %s' },
    { line: 4, text: 'nobody' },
  ])
})

/** A riddle, with its place and the words that make it one. */
function placed({ path, line, text }: { path: string; line: number; text: string }): string {
  return `${path}:${line}: [${dialectIn(text).join(', ')}] ${text}`
}
