import type { SecretNames } from './secret-names.js'
import type { Mark } from './secret-shapes.js'

/** In every text that names a secret; names of the user's own are looked for as well. */
const SEPARATED = /[=:]|<\//
/** A name and what stands between it and its value: `name=`, `"name": `, `\"name\":`, `user[name]=`, `name => `. */
const NAME = /([\p{L}_][\p{L}\p{N}_.-]{0,100})[\\"'\]]{0,10}\s{0,3}(?:=>|[:=])\s{0,20}/gu
/** A value: in quotes (escaped ones, too), in brackets, or up to a space or the next parameter. */
const VALUE =
  /"((?:[^"\\]|\\[\s\S])*)"?|'((?:[^'\\]|\\[\s\S])*)'?|(\\+["'])([\s\S]*?)(?:\3|$)|[[({]([^\])}]*)[\])}]?|[^\s&]+/y
/** The rest of a header's line. */
const LINE = /[^\r\n]+/y
const HEADER = /(?:authorization|cookie)$/i
const HARMLESS_VALUE = /^(?:null|undefined|true|false|None|True|False)$/
/** What is marked already, by its shape. */
const MARKED = /^(?:\w+ )?\[redacted[^\]]*\]$/
const TRAILING = /[\\,;)\]}"'>]+$/
const ELEMENT = /<([\w:.-]{2,100})(?:\s[^<>]*)?>([^<]+)<\//g
const FORM_PART = /\bname="?([^"\r\n;]{1,100})"?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n([\s\S]*?)(?=\r?\n--|$)/g

/**
 * Replaces the values that a text names as secret: `password=…`, `"token": "…"`, `Cookie: …`, elements of XML, parts of a
 * form.
 */
export function redactNamed(text: string, names: SecretNames, mark: Mark): string {
  if (!SEPARATED.test(text)) return text
  let result = redactPairs(text, names, mark)
  const isSecret = (name: string) => {
    const { secret, allowed } = names.kindOf(name)
    return secret && !allowed
  }
  if (result.includes('</'))
    result = result.replace(ELEMENT, (found, name, value) =>
      isSecret(name.slice(name.indexOf(':') + 1)) ? found.replace(value, () => mark(value)) : found,
    )
  if (result.includes('form-data'))
    result = result.replace(FORM_PART, (found, name, value) =>
      value !== '' && isSecret(name) ? found.slice(0, found.length - value.length) + mark(value) : found,
    )
  return result
}

function redactPairs(text: string, names: SecretNames, mark: Mark): string {
  let result = ''
  let copied = 0
  NAME.lastIndex = 0
  for (let found = NAME.exec(text); found !== null; found = NAME.exec(text)) {
    const [whole, name = ''] = found
    const { secret, secretInQuery, allowed } = names.kindOf(name)
    if (allowed || !(secret || (secretInQuery && isParameter(text, found.index, whole)))) continue
    const at = found.index + whole.length
    const value = valueAt(text, at, HEADER.test(name) && /: ?$/.test(whole))
    if (value === undefined) continue
    result += text.slice(copied, value.from) + mark(text.slice(value.from, value.to))
    copied = value.to
    NAME.lastIndex = value.to
  }
  return copied === 0 ? text : result + text.slice(copied)
}

function isParameter(text: string, index: number, whole: string): boolean {
  return whole.endsWith('=') && (index === 0 || text[index - 1] === '?' || text[index - 1] === '&')
}

/** Where a secret value lies in a text, without its quotes. */
function valueAt(text: string, at: number, header: boolean): { from: number; to: number } | undefined {
  const pattern = header && !/["'\\[({]/.test(text[at] ?? '') ? LINE : VALUE
  pattern.lastIndex = at
  const found = pattern.exec(text)
  if (found === null) return undefined
  const [whole, double, single, escaped, inEscaped, inBrackets] = found
  const quoted = double ?? single ?? inEscaped ?? inBrackets
  if (quoted !== undefined) {
    const from = at + (escaped?.length ?? 1)
    return quoted === '' ? undefined : { from, to: from + quoted.length }
  }
  const plain = whole.endsWith(']') && MARKED.test(whole) ? whole : whole.replace(TRAILING, '')
  return plain === '' || HARMLESS_VALUE.test(plain) || MARKED.test(plain)
    ? undefined
    : { from: at, to: at + plain.length }
}
