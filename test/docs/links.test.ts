import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pages, read, root } from './pages.js'

const withoutCode = (markdown: string) =>
  markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')

/** What a heading is linked by. */
function anchorsOf(markdown: string): string[] {
  const named = [...markdown.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!)
  const headings = [...markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)].map(
    ([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
  )
  return [...named, ...headings]
}

/** The links of a page that lead nowhere. */
function brokenLinks(page: string, markdown: string): string[] {
  const links = [
    ...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g),
    ...markdown.matchAll(/(?:src|srcset)="([^"]+)"/g),
  ]
  return links
    .map(([, link]) => link!)
    .filter((link) => !/^(https?|mailto):/.test(link))
    .filter((link) => {
      const [path, anchor] = link.split('#') as [string, string | undefined]
      const target = path === '' ? page : relative(root, join(root, dirname(page), path))
      if (target.startsWith('..') || !existsSync(join(root, target))) return true
      return anchor !== undefined && !anchorsOf(path === '' ? markdown : read(target)).includes(anchor)
    })
    .map((link) => `${page}: ${link}`)
}

describe('the documentation', () => {
  it('has no link that leads nowhere', () => {
    expect(pages.flatMap((page) => brokenLinks(page, read(page)))).toEqual([])
  })

  it.each([
    ['[a](nowhere.md)', ['README.md: nowhere.md']],
    ['[a](docs/errors.md#nothing)', ['README.md: docs/errors.md#nothing']],
    ['# One `two`\n[a](#one-two) [b](#one)', ['README.md: #one']],
    ['[a](../outside.md)', ['README.md: ../outside.md']],
    ['<img src="docs/none.svg">', ['README.md: docs/none.svg']],
    ['[a](docs/errors.md#discards) `[b](nowhere.md)` [c](https://example.org)', []],
  ])('would find %s', (markdown, broken) => {
    expect(brokenLinks('README.md', markdown)).toEqual(broken)
  })

  it('is listed whole by its first page', () => {
    const index = read('docs/README.md')
    const unlisted = pages
      .filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
      .map((page) => page.slice('docs/'.length))
      .filter((page) => !index.includes(`(${page})`))
    expect(unlisted).toEqual([])
  })

  it('has a paragraph for every error code and no other', () => {
    const source = readFileSync(join(root, 'src/core/base/errors.ts'), 'utf8')
    const [, union] = /export type TetherErrorCode =([\s\S]*?)\n\n/.exec(source)!
    const codes = [...union!.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code!)
    expect(codes.length).toBeGreaterThan(15)
    const documented = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code!)
    expect(documented.toSorted()).toEqual(codes.toSorted())
  })
})
