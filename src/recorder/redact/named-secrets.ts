import { fromPercent } from './encoded.js'
import type { SecretNames } from './secret-names.js'
import type { Mark } from './secret-shapes.js'

const EQUALS = 0x3d
const COLON = 0x3a
const GREATER = 0x3e
const SPACE = 0x20
const LONGEST_NAME = 100
const MAX_SPACES = 20
/**
 * Between a name and its separator, in JSON, in escaped JSON, and in forms: `"name":`, `\\"name\\":`, `user[name]=`.
 */
const CLOSING = '\\"\']'
/** A value: in quotes (escaped ones, too), in brackets, or up to a space or the next parameter. */
const VALUE =
  /"((?:[^"\\]|\\[\s\S])*)"?|'((?:[^'\\]|\\[\s\S])*)'?|(\\+["'])([\s\S]*?)(?:\3|$)|[[({]([^\])}]*)[\])}]?|[^\s&]+/y
/** The rest of a header's line. */
const LINE = /[^\r\n]+/y
const HEADER = /(?:authorization|cookie)$/i
const HARMLESS_VALUE = /^(?:null|undefined|true|false|None|True|False)$/
/** A value that is already marked, by its shape. */
const MARKED = /^(?:\w+ )?\[redacted[^\]]*\]$/
const TRAILING = /[\\,;)\]}"'>]+$/
const ELEMENT = /<([\w:.-]{2,100})(?:\s[^<>]*)?>(<!\[CDATA\[[^<]*\]\]>|[^<]+)<\//g
/** An argument of a command line: `--password secret`. */
const ARGUMENT = /(?<![\w-])--([A-Za-z][\w-]{1,60})\s+("[^"]*"|'[^']*'|[^\s-]\S*)/g
const ENCODED = /%[2-7][0-9A-Fa-f]/
/** A parameter with a name that may be encoded: `user%5Bpassword%5D=…`. */
const PARAMETER = /(?<![^\s?&;#"'])([^\s=&?;#"']{2,300})=([^\s&#"'<>]+)/g
const FORM_PART = /\bname="?([^"\r\n;]{1,100})"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n([\s\S]*?)(?=\r?\n--|$)/g

/**
 * Replaces values that follow a secret name: `password=…`, `"token": "…"`, `Cookie: …`, XML elements, parts of a form.
 */
export function redactNamed(text: string, names: SecretNames, mark: Mark): string {
  let result = redactPairs(text, names, mark)
  const replace = (pattern: RegExp, after: string, nameOf: (name: string) => string) => {
    result = result.replace(pattern, (found: string, name: string, value: string) => {
      if (value === '' || MARKED.test(value) || !names.isSecret(nameOf(name))) return found
      return found.slice(0, found.length - value.length - after.length) + mark(value) + after
    })
  }
  if (result.includes('</')) replace(ELEMENT, '</', (name) => name.slice(name.indexOf(':') + 1))
  if (result.includes('form-data')) replace(FORM_PART, '', (name) => name)
  if (result.includes('--')) replace(ARGUMENT, '', (name) => name)
  if (ENCODED.test(result))
    replace(PARAMETER, '', (name) => (ENCODED.test(name) && fromPercent(name)?.text) || '')
  return result
}

// Goes from separator to separator: most texts have few, and few separators follow a name.
function redactPairs(text: string, names: SecretNames, mark: Mark): string {
  let result = ''
  let copied = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code !== EQUALS && code !== COLON) continue
    const name = nameBefore(text, at, copied)
    if (name === undefined) continue
    const { secret, secretInQuery, allowed } = names.kindOf(name.text)
    if (allowed || !(secret || (secretInQuery && code === EQUALS && isParameter(text, name.from)))) continue
    let begin = at + 1
    if (code === EQUALS && text.charCodeAt(begin) === GREATER) begin++
    const isHeader = code === COLON && HEADER.test(name.text)
    const from = skipSpaces(text, begin)
    const value = valueAt(text, from, isHeader && from - begin <= 1)
    if (value === undefined) continue
    result += text.slice(copied, value.from) + mark(text.slice(value.from, value.to))
    copied = value.to
    at = value.to - 1
  }
  return copied === 0 ? text : result + text.slice(copied)
}

/** Returns the name before a separator. @param limit text before this index belongs to something else */
function nameBefore(
  text: string,
  separator: number,
  limit: number,
): { text: string; from: number } | undefined {
  let to = separator
  while (to > limit && separator - to < 3 && text.charCodeAt(to - 1) === SPACE) to--
  for (let closings = 0; to > limit && closings < 10 && CLOSING.includes(text[to - 1]!); closings++) to--
  let from = to
  while (from > limit && to - from < LONGEST_NAME && isNameCode(text.charCodeAt(from - 1))) from--
  return to - from < 2 ? undefined : { text: text.slice(from, to), from }
}

function isNameCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    // _ - . and letters that are not English
    code === 0x5f ||
    code === 0x2d ||
    code === 0x2e ||
    code >= 0xaa
  )
}

function skipSpaces(text: string, from: number): number {
  let at = from
  while (at - from < MAX_SPACES && /\s/.test(text[at] ?? '')) at++
  return at
}

function isParameter(text: string, nameFrom: number): boolean {
  return nameFrom === 0 || text[nameFrom - 1] === '?' || text[nameFrom - 1] === '&'
}

/** Returns the position of a secret value in a text, without its quotes. */
function valueAt(text: string, at: number, header: boolean): { from: number; to: number } | undefined {
  const pattern = header && !/["'\\[({]/.test(text[at] ?? '') ? LINE : VALUE
  pattern.lastIndex = at
  const found = pattern.exec(text)
  if (found === null) return undefined
  const [whole, double, single, escaped, inEscaped, inBrackets] = found
  const quoted = double ?? single ?? inEscaped ?? inBrackets
  if (inBrackets !== undefined && MARKED.test(whole)) return undefined
  if (quoted !== undefined) {
    const from = at + (escaped?.length ?? 1)
    return quoted === '' ? undefined : { from, to: from + quoted.length }
  }
  const plain = whole.endsWith(']') && MARKED.test(whole) ? whole : whole.replace(TRAILING, '')
  return plain === '' || HARMLESS_VALUE.test(plain) || MARKED.test(plain)
    ? undefined
    : { from: at, to: at + plain.length }
}
