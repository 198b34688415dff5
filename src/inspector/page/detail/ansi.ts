/** A piece of a line and its style. */
export interface Styled {
  readonly text: string
  /** Names of classes, such as `a-bold a-31`. */
  readonly classes: string
}

// SGR, any other control sequence, a command to the terminal (OSC and its kin), a lone escape, and other control characters but the tab.
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
  /(?:\u001b\[|\u009b)([\d;]*)m|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b.?|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

const MARKS: Readonly<Record<number, string>> = { 1: 'a-bold', 2: 'a-dim', 3: 'a-italic', 4: 'a-underline' }
const ENDS: Readonly<Record<number, readonly string[]>> = {
  22: ['a-bold', 'a-dim'],
  23: ['a-italic'],
  24: ['a-underline'],
}

/** Splits a line by its colours. Drops all other terminal commands. */
export function styledPieces(line: string): Styled[] {
  const pieces: Styled[] = []
  const marks = new Set<string>()
  let colour = ''
  let from = 0
  const add = (to: number) => {
    if (to > from) pieces.push({ text: line.slice(from, to), classes: [...marks, colour].join(' ').trim() })
  }
  for (const match of line.matchAll(CONTROL)) {
    add(match.index)
    from = match.index + match[0].length
    if (match[1] === undefined) continue
    const codes = match[1].split(';').map(Number)
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i]!
      // Colours of 256 and of 24 bits are not shown; their numbers are not codes.
      if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4
      else if (code === 0) {
        marks.clear()
        colour = ''
      } else if (MARKS[code] !== undefined) marks.add(MARKS[code])
      else if (ENDS[code] !== undefined) for (const mark of ENDS[code]) marks.delete(mark)
      else if (code === 39) colour = ''
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) colour = `a-${code % 10}`
    }
  }
  add(line.length)
  return pieces
}
