import { jsonValue } from '../../core/base/json.js'
import { type Encoded, fromBase64, fromPercent, secretText } from './encoded.js'
import { type KnownSecrets, traceable } from './known-secrets.js'
import { redactNamed } from './named-secrets.js'
import { Places } from './places.js'
import type { NameKind, SecretNames } from './secret-names.js'
import {
  hasKeyId,
  isWithinKey,
  type Mark,
  mayHoldShape,
  redactKeySecrets,
  redactRandom,
  redactShapes,
  replaceSecrets,
} from './secret-shapes.js'

/** Which values are secret, and the marks that replace them. */
export interface RedactionRules {
  readonly names: SecretNames
  /** Additional shapes of secret values. */
  readonly shapes: readonly RegExp[]
  readonly mark: Mark
  /** Also redacts values that look random. */
  readonly strict: boolean
  /** Secrets to redact wherever they occur, in any spelling. */
  readonly known: KnownSecrets
  /** Redacts only `known`. */
  readonly knownOnly?: boolean | undefined
}

/** A mark that has replaced a secret. */
const REDACTED = /\[redacted(?::[^\]\s]{1,80})?\]/g
const REDACTED_ALONE = /^\[redacted(?::[^\]\s]{1,80})?\]$/
/** Nesting of encoded texts (JSON in base64 in JSON, say). Deeper values are redacted as a whole. */
const MAX_NESTED = 8
/**
 * Nesting of lists and objects, including within texts that hold JSON. Deeper values are redacted as a whole: a few
 * brackets would otherwise overflow the stack.
 */
const MAX_DEPTH = 200
const TOO_DEEP = 'nested too deeply'
/** No shorter text holds a secret that a shape or a name identifies. */
const SHORTEST = 6
/** A limit, because each is searched for in the whole record. */
const MOST_FOUND = 100
const JSON_BEGIN = /^\s*[[{"]/
/** JSON may escape characters like this, which hides secrets from a search of the raw text. */
const ESCAPED = /\\(?:u|\/)/
const PERCENT_VALUE = /(?<==)[^&\s"'=<>]*%[2-7][0-9A-Fa-f][^&\s"'<>]*/g
/** Names of values that only look random: they prove or identify something, but grant no access. */
const NO_SECRET =
  /signature|digest|hash|md5|sha\d*$|hmac|etag|checksum|sequence|version|arn$|id$|data$|body$/i

/** Redacts the values of one record, and lists their places. */
export class Redaction {
  /** The first 100 secrets found by name or shape: they may occur elsewhere without either. */
  readonly found = new Set<string>()
  /** Redacted contents of encoded texts: a search of the encoded form does not find secrets in them. */
  readonly decoded: string[] = []
  readonly #rules: RedactionRules
  readonly #places = new Places()
  /** Returns the mark of a secret, and remembers the secret. */
  readonly #mark: Mark = (secret) => {
    for (const part of traceable(secret)) if (this.found.size < MOST_FOUND) this.found.add(part)
    return this.#rules.mark(secret)
  }
  /** Whether the current value may hold a secret of a known shape. */
  #hinted = true
  /** Whether the current value may hold a known secret. */
  #mayBeKnown = true
  #depth = 0

  constructor(rules: RedactionRules) {
    this.#rules = rules
  }

  /** JSON pointers to the redacted places. */
  get pointers(): readonly string[] {
    return this.#places.noted
  }

  /**
   * Returns a value without its secrets, or the same value if it has none.
   * @param json the value's JSON, if at hand: searched once, it may save searching every text in the value
   * @param path the value's place in the record
   */
  value(value: unknown, json: string | undefined, ...path: (string | number)[]): unknown {
    this.#places.begin(path)
    const otherwiseSpelt = json === undefined || ESCAPED.test(json)
    this.#hinted = otherwiseSpelt || mayHoldShape(json)
    this.#mayBeKnown = otherwiseSpelt || this.#rules.known.mayBeIn(json)
    return this.#value(value, 0, false)
  }

  /** Returns a text without its secrets. */
  text(text: string, ...path: (string | number)[]): string {
    this.#places.begin(path)
    this.#hinted = true
    this.#mayBeKnown = true
    return this.#string(text, 0)
  }

  /** Lists a place that was redacted elsewhere. */
  note(...path: (string | number)[]): void {
    this.#places.begin(path)
    this.#places.note()
  }

  #value(value: unknown, nested: number, query: boolean): unknown {
    if (typeof value === 'string') return this.#string(value, nested)
    if (typeof value !== 'object' || value === null) return value
    if (this.#depth === MAX_DEPTH) return this.#tooDeep(nested)
    this.#depth++
    const result = Array.isArray(value)
      ? this.#list(value, nested, query)
      : this.#object(value, nested, query)
    this.#depth--
    return result
  }

  #tooDeep(nested: number): string {
    this.#note(nested)
    return this.#rules.mark(TOO_DEEP)
  }

  #list(list: readonly unknown[], nested: number, query: boolean): unknown[] {
    let copy: unknown[] | undefined
    // A PEM key may be split over elements: the lines of a stack, say.
    let inKey = false
    const { knownOnly = false } = this.#rules
    const alternate = !knownOnly && this.#namesAlternate(list)
    for (let index = 0; index < list.length; index++) {
      const one = list[index]
      const name = alternate && index % 2 === 1 ? list[index - 1] : undefined
      this.#places.enter(index)
      const value =
        inKey || (typeof name === 'string' && this.#rules.names.isSecret(name))
          ? this.#all(one, nested, true)
          : this.#value(one, nested, query)
      if (this.#hinted && !knownOnly && typeof one === 'string') inKey = isWithinKey(one, inKey)
      this.#places.leave()
      if (value !== list[index]) {
        copy ??= [...list]
        copy[index] = value
      }
    }
    return copy ?? (list as unknown[])
  }

  #object(object: object, nested: number, query: boolean): object {
    const fields = object as Readonly<Record<string, unknown>>
    const { knownOnly = false } = this.#rules
    const beside =
      this.#hinted &&
      !knownOnly &&
      Object.values(fields).some((one) => typeof one === 'string' && hasKeyId(one))
    const names = Object.keys(fields)
    let entries: [string, unknown][] | undefined
    for (let index = 0; index < names.length; index++) {
      const name = names[index]!
      const value = fields[name]
      const key = (this.#hinted || this.#mayBeKnown) && name.length > SHORTEST ? this.#key(name) : name
      this.#places.enter(key)
      if (key !== name) this.#note(nested)
      let result = this.#field(fields, name, value, nested, query)
      if (beside && typeof result === 'string')
        result = this.#noted(result, redactKeySecrets(result, this.#mark), nested)
      this.#places.leave()
      if (result !== value || key !== name) entries ??= names.slice(0, index).map((one) => [one, fields[one]])
      entries?.push([key, result])
    }
    return entries === undefined ? object : Object.fromEntries(entries)
  }

  #field(
    fields: Readonly<Record<string, unknown>>,
    name: string,
    value: unknown,
    nested: number,
    query: boolean,
  ): unknown {
    const { knownOnly = false } = this.#rules
    const kind = this.#kindOf(fields, name)
    if (!knownOnly) {
      if (kind.allowed) return value
      if (kind.secret || (query && kind.secretInQuery)) return this.#all(value, nested, kind.isItself)
    }
    if (name === 'body' && fields.isBase64Encoded === true && typeof value === 'string')
      return this.#noted(value, this.#encoded(value, fromBase64(value, true), nested), nested)
    const result = this.#value(value, nested, query || kind.holdsQuery)
    if (!this.#rules.strict || typeof result !== 'string' || NO_SECRET.test(name)) return result
    return this.#noted(result, redactRandom(result, this.#rules.mark), nested)
  }

  /** Classifies a field by its name; the `value` of a name-value pair by the pair's name. */
  #kindOf(fields: Readonly<Record<string, unknown>>, name: string): NameKind {
    const pair = name === 'value' || name === 'Value' ? nameOfPair(fields) : undefined
    return this.#rules.names.kindOf(pair ?? name)
  }

  /**
   * Whether a list alternates names and values: a pair in another list (`['Cookie', 'a=b']`), or Node's `rawHeaders`.
   */
  #namesAlternate(list: readonly unknown[]): boolean {
    const place = this.#places.here
    return place === 'rawHeaders' || (typeof place === 'number' && list.length === 2)
  }

  /** Redacts the name of a field, which may be a secret as well. */
  #key(name: string): string {
    const { known, knownOnly = false, mark } = this.#rules
    const key = this.#hinted && !knownOnly ? redactShapes(name, mark) : name
    return this.#mayBeKnown ? known.redact(key, mark) : key
  }

  /**
   * Redacts everything within a value except booleans, null and allowed names.
   * @param isItself the value is a secret itself, and does not only hold secrets
   */
  #all(value: unknown, nested: number, isItself: boolean): unknown {
    const text = secretText(value)
    if (text !== undefined) {
      if (text === '' || REDACTED_ALONE.test(text)) return this.#remark(text)
      this.#note(nested)
      return isItself ? this.#mark(text) : this.#rules.mark(text)
    }
    if (typeof value !== 'object' || value === null) return value
    const within = (key: string | number, one: unknown) => {
      this.#places.enter(key)
      const { allowed, secret } = this.#rules.names.kindOf(String(key))
      const result = allowed ? one : this.#all(one, nested, isItself || secret)
      this.#places.leave()
      return result
    }
    if (this.#depth === MAX_DEPTH) return this.#tooDeep(nested)
    this.#depth++
    const result = Array.isArray(value)
      ? value.map((one, index) => within(index, one))
      : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, within(key, one)]))
    this.#depth--
    return result
  }

  #string(text: string, nested: number): string {
    return this.#noted(text, this.#inner(text, nested), nested)
  }

  #inner(text: string, nested: number): string {
    if (text.length < SHORTEST) return text
    if (nested > MAX_NESTED) return this.#rules.mark(text)
    if (mayBeJson(text)) {
      const value = jsonValue(text)
      if (value !== undefined) {
        const hinted = this.#hinted
        this.#hinted = hinted && (ESCAPED.test(text) || mayHoldShape(text))
        const result = this.#value(value, nested + 1, false)
        this.#hinted = hinted
        return result === value ? text : JSON.stringify(result)
      }
    }
    const { names, shapes, strict, known, knownOnly = false } = this.#rules
    const mark = this.#mark
    const base64 = text.length < SHORTEST * 2 ? undefined : fromBase64(text, false)
    if (base64 !== undefined) {
      const result = this.#encoded(text, base64, nested)
      if (result !== text) return result
    }
    let result = this.#remark(text)
    if (this.#mayBeKnown) result = known.redact(result, this.#rules.mark)
    if (this.#hinted && !knownOnly) result = redactShapes(result, mark)
    for (const shape of shapes) result = replaceSecrets(result, shape, mark)
    if (result.includes('%') && result.includes('='))
      result = result.replace(PERCENT_VALUE, (found) => this.#encoded(found, fromPercent(found), nested))
    if (knownOnly) return result
    result = redactNamed(result, names, mark)
    return strict && base64 === undefined && text.includes(' ')
      ? redactRandom(result, this.#rules.mark)
      : result
  }

  #encoded(value: string, encoded: Encoded | undefined, nested: number): string {
    if (encoded === undefined) return value
    const [hinted, mayBeKnown] = [this.#hinted, this.#mayBeKnown]
    // The search of the enclosing text cannot see into the encoded one.
    this.#hinted = true
    this.#mayBeKnown = true
    const result = this.#inner(encoded.text, nested + 1)
    this.#hinted = hinted
    this.#mayBeKnown = mayBeKnown
    this.decoded.push(result)
    if (result === encoded.text) return value
    return encoded.encode(result)
  }

  /** Replaces marks of an earlier redaction with marks of this one. */
  #remark(text: string): string {
    return this.#rules.strict && text.includes('[redacted') ? text.replace(REDACTED, this.#rules.mark) : text
  }

  #noted(text: string, result: string, nested: number): string {
    if (result !== text) this.#note(nested)
    return result
  }

  // A secret within a text has the pointer of the whole text.
  #note(nested: number): void {
    if (nested === 0) this.#places.note()
  }
}

function mayBeJson(text: string): boolean {
  const first = text.charCodeAt(0)
  // { [ "
  if (first === 0x7b || first === 0x5b || first === 0x22) return true
  return first <= 0x20 && JSON_BEGIN.test(text)
}

/** Returns the name of a `{ name, value }` pair, as lists of headers and variables contain. */
function nameOfPair(fields: Readonly<Record<string, unknown>>): string | undefined {
  const name = fields.name ?? fields.Name ?? fields.key ?? fields.Key
  return typeof name === 'string' ? name : undefined
}
