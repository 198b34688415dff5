/** A program of a document: the `ts` blocks that belong together, with what the page does not show. */
export interface Program {
  /** The page and the line of its first block: `README.md:25`. */
  readonly name: string
  /** As a reader has it, hidden parts included. */
  readonly source: string
  /** As it is run here: with the local cloud in place of what only AWS has. */
  readonly runnable: string
}

/**
 * The programs of a page. Fenced `ts` blocks that follow each other are one program, until `<!-- program -->` begins the
 * next. `<!-- ts … -->` is part of it and not shown. `<!-- instead of: A, run: B -->` puts B in A's place when the program
 * is run; each must be found.
 * @throws Error naming the line of what is malformed or has no end
 */
export function programsOf(page: string, markdown: string): Program[] {
  const programs: { line: number; lines: string[]; instead: [string, string][] }[] = []
  let current: (typeof programs)[number] | undefined
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    const upTo = (end: string) => {
      const found = lines.indexOf(end, at + 1)
      if (found < 0) throw new Error(`${page}:${at + 1}: '${line}' has no '${end}'`)
      const text = lines.slice(at + 1, found)
      at = found
      return text
    }
    const program = () => {
      current ??= programs[programs.push({ line: at + 1, lines: [], instead: [] }) - 1]!
      return current
    }
    if (line === '<!-- program -->') current = undefined
    else if (line === '<!-- ts') program().lines.push(...upTo('-->'))
    else if (line.startsWith('<!-- instead of: ')) {
      const [, from, to] = /^<!-- instead of: (.+), run: (.+) -->$/.exec(line) ?? []
      if (from === undefined || to === undefined) throw new Error(`${page}:${at + 1}: malformed: ${line}`)
      program().instead.push([from, to])
    } else if (line === '```ts') program().lines.push(...upTo('```'))
    else if (line.startsWith('```')) upTo('```')
  }
  return programs.map(({ line, lines: text, instead }) => {
    const source = `${text.join('\n')}\n`
    const runnable = instead.reduce((result, [from, to]) => {
      if (!result.includes(from)) throw new Error(`${page}:${line}: there is no '${from}' to be replaced`)
      return result.replaceAll(from, to)
    }, source)
    return { name: `${page}:${line}`, source, runnable }
  })
}
