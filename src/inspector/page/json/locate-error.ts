/** The first place at which a text is not JSON. Lines and columns begin at 1. */
export interface JsonError {
  readonly message: string
  readonly index: number
  readonly line: number
  readonly column: number
}

const SPACE = /[ \t\r\n]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON does not allow them
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y

/**
 * Finds the place at which a text stops being JSON: `JSON.parse` does not tell it for every text, nor alike in all
 * browsers. Keeps its own stack of open brackets, since events may be nested deeply.
 */
export function locateJsonError(text: string): JsonError | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch {
    const { index, expected } = scan(text)
    const before = text.slice(0, index).split('\n')
    const line = before.length
    const column = before.at(-1)!.length + 1
    const found = index >= text.length ? 'the end' : text.slice(index, index + 1)
    return {
      message: `Line ${line}, column ${column}: expected ${expected}, found ${found}`,
      index,
      line,
      column,
    }
  }
}

function scan(text: string): { index: number; expected: string } {
  const open: ('{' | '[')[] = []
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    if (found !== undefined) at += found.length
    return found !== undefined
  }
  /** Reads the key of a field. Returns the missing part, if any. */
  const key = (): string | undefined => {
    if (!take(STRING)) return 'a key in double quotes'
    take(SPACE)
    if (text[at] !== ':') return 'a colon'
    at++
    return undefined
  }
  let needsValue = true
  for (;;) {
    take(SPACE)
    if (needsValue) {
      const start = text[at]
      if (start === '{' || start === '[') {
        at++
        take(SPACE)
        if (text[at] === (start === '{' ? '}' : ']')) {
          at++
          needsValue = false
          continue
        }
        open.push(start)
        if (start === '{') {
          const missing = key()
          if (missing !== undefined) return { index: at, expected: missing }
        }
        continue
      }
      if (!take(STRING) && !take(NUMBER) && !take(WORD))
        return { index: at, expected: start === '"' ? 'a string that ends on its line' : 'a value' }
      needsValue = false
      continue
    }
    const inside = open.at(-1)
    if (inside === undefined) return { index: at, expected: 'nothing more' }
    const end = inside === '{' ? '}' : ']'
    if (text[at] === end) {
      at++
      open.pop()
    } else if (text[at] === ',') {
      at++
      take(SPACE)
      if (inside === '{') {
        const missing = key()
        if (missing !== undefined) return { index: at, expected: missing }
      }
      needsValue = true
    } else return { index: at, expected: `a comma or ${end}` }
  }
}
