const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = [0x7b, 0x5b]
const CLOSE = [0x7d, 0x5d]

/**
 * Splits a JSON object into fields without parsing the values: bodies keep their bytes, and only requested fields are
 * parsed. The text must be JSON, except that its end may be missing.
 * @returns undefined if the end is missing
 */
export function sliceFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>()
  let at = skipSpace(text, 1)
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = valueEnd(text, at)
    if (keyEnd === undefined) return undefined
    const from = skipSpace(text, text.indexOf(':', keyEnd) + 1)
    const to = valueEnd(text, from)
    if (to === undefined) return undefined
    fields.set(JSON.parse(text.slice(at, keyEnd)) as string, text.slice(from, to))
    at = skipSpace(text, to)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return text[at] === '}' ? fields : undefined
}

/** Returns the end of the value that begins at an index, or undefined if the end is missing. */
export function valueEnd(text: string, from: number): number | undefined {
  const first = text.charCodeAt(from)
  if (first === QUOTE) return stringEnd(text, from)
  if (!OPEN.includes(first)) {
    const found = text.slice(from, from + 50).search(/[,}\]\s]/)
    return found === -1 ? undefined : from + found
  }
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = stringEnd(text, at)
      if (end === undefined) return undefined
      at = end - 1
    } else if (OPEN.includes(code)) depth++
    else if (CLOSE.includes(code) && --depth === 0) return at + 1
  }
  return undefined
}

function stringEnd(text: string, from: number): number | undefined {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at + 1
  }
  return undefined
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}
