import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

const page = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8')

/** The first cells of a table's rows, and the rest of each. */
function rowsAfter(heading: string): { first: string; rest: string }[] {
  const section = page.slice(page.indexOf(`\n${heading}\n`)).split(/\n#+ /)[1] ?? ''
  return [...section.matchAll(/^\| (?!attacker \|)([^|]+) \|(.+)\|$/gm)].map(([, first, rest]) => ({
    first: first!,
    rest: rest!,
  }))
}

it('every attacker of the security page has commands that run existing tests', async () => {
  const who = rowsAfter('## Powers of each attacker').map(({ first }) => first)
  const shown = rowsAfter('### See it happen')
  expect(who.length).toBeGreaterThan(9)
  expect(shown.map(({ first }) => first)).toEqual(who)
  for (const { rest } of shown) {
    const commands = [...rest.matchAll(/`npx vitest run (\S+)(?: -t '([^']+)')?`/g)]
    expect(commands).not.toEqual([])
    for (const [, file, title = ''] of commands) {
      const source = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8')
      expect(source).toContain(title)
    }
  }
})
