import { invalidOption } from '../base/options.js'

/** Matches texts: `*` stands for any characters or none; `\*` and `\\` stand for `*` and `\`. */
export type TextMatcher = (text: string) => boolean

/**
 * Makes a matcher in time linear in the text for any pattern: each part between two asterisks is searched once.
 * @param name the option's name, for messages
 * @throws TetherError `INVALID_OPTION` for two asterisks in a row, or a backslash before any other character
 */
export function wildcardMatcher(name: string, pattern: string): TextMatcher {
  const parts = literalParts(name, pattern)
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
    const end = text.length - last.length
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
    let at = first.length
    for (const part of rest) {
      const found = text.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= end
  }
}

/** The texts between the asterisks. */
function literalParts(name: string, pattern: string): string[] {
  const parts = ['']
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at]!
    if (letter === '*') {
      if (pattern[at + 1] === '*') throw invalidOption(name, 'has two asterisks in a row; one says the same')
      parts.push('')
      continue
    }
    if (letter === '\\') {
      at++
      if (pattern[at] !== '*' && pattern[at] !== '\\')
        throw invalidOption(name, 'has a backslash before something else than * or \\')
    }
    parts[parts.length - 1] += pattern[at]!
  }
  return parts
}
