import { invalidOption, isObject, mustBe } from '../base/options.js'
import { argumentOf, type LeafMatcher, OPERATORS } from './operators.js'

/** A value of a pattern: a literal, or an operator such as `{ prefix: 'us-' }`. */
export type PatternValue = string | number | boolean | null | Readonly<Record<string, unknown>>

/**
 * An event pattern of Amazon EventBridge: the fields that an event must have, in the shape of the event, each with a
 * list of accepted values. Supports all operators of event buses: `prefix`, `suffix`, `equals-ignore-case`, `wildcard`,
 * `anything-but`, `numeric`, `cidr`, `exists`, and `$or`.
 */
export interface EventPattern {
  readonly [field: string]: readonly PatternValue[] | readonly EventPattern[] | EventPattern
}

/** Whether an event matches a pattern. Never throws. */
export type PatternMatcher = (event: unknown) => boolean

type Node = (value: unknown, whole: WholeEvent) => boolean

const OR = '$or'
const KNOWN: readonly string[] = [...Object.keys(OPERATORS), 'exists']
/** Field names that make an `$or` an ordinary field, as it was before AWS gave it a meaning. */
const RESERVED: readonly string[] = [...KNOWN, 'exactly']
/** Patterns come in cards of 4,000 bytes; deeper nesting has no meaning and would cost the stack. */
const MAX_DEPTH = 50

/**
 * Compiles a pattern once for many events.
 * @param name the option's name, for messages
 * @throws TetherError `INVALID_OPTION`, with the place in the pattern
 */
export function compilePattern(name: string, pattern: unknown): PatternMatcher {
  const matches = compileFields(name, pattern, [], 0)
  return (event) => matches(event, new WholeEvent(event))
}

/** The whole event, for patterns that require a field to be absent. */
class WholeEvent {
  readonly #event: unknown
  #known: Map<readonly string[], boolean> | undefined

  constructor(event: unknown) {
    this.#event = event
  }

  /**
   * Whether it has a leaf at the path. Cached, since each element of a list may ask.
   * @param path the pattern's own array, which is the cache key
   */
  has(path: readonly string[]): boolean {
    this.#known ??= new Map()
    let known = this.#known.get(path)
    if (known === undefined) {
      known = hasLeaf(this.#event, path)
      this.#known.set(path, known)
    }
    return known
  }
}

function compileFields(name: string, pattern: unknown, path: readonly string[], depth: number): Node {
  mustBe('an event pattern: an object of fields', isObject(pattern), name, pattern)
  const entries = Object.entries(pattern as object)
  if (entries.length === 0) throw invalidOption(name, 'is empty: name at least one field')
  if (depth > MAX_DEPTH) throw invalidOption(name, `is nested more than ${MAX_DEPTH} levels deep`)
  const fields = entries.map(([key, value]) => compileField(`${name}.${key}`, key, value, path, depth + 1))
  const matches: Node = (value, whole) => {
    // A single element must have all of the fields.
    if (Array.isArray(value)) return someElement(value, (element) => matches(element, whole))
    for (const field of fields) if (!field(value, whole)) return false
    return true
  }
  return matches
}

function compileField(
  name: string,
  key: string,
  value: unknown,
  path: readonly string[],
  depth: number,
): Node {
  if (key === OR && isOr(value)) {
    const choices = value.map((choice, index) => compileFields(`${name}[${index}]`, choice, path, depth))
    return (event, whole) => choices.some((choice) => choice(event, whole))
  }
  const below = [...path, key]
  const inner = Array.isArray(value)
    ? compileLeaf(name, value, below)
    : compileFields(name, value, below, depth)
  return (event, whole) => inner(fieldOf(event, key), whole)
}

function compileLeaf(name: string, values: readonly unknown[], path: readonly string[]): Node {
  if (values.length === 0) throw invalidOption(name, 'is an empty list: give the values that match')
  const exact = new Set<unknown>()
  const matchers: LeafMatcher[] = []
  let absent = false
  for (const [index, value] of values.entries()) {
    const place = `${name}[${index}]`
    if (!isObject(value)) {
      const isLeafValue = value === null || ['string', 'number', 'boolean'].includes(typeof value)
      mustBe('a text, a number, true, false, null or an operator', isLeafValue, place, value)
      exact.add(value)
      continue
    }
    const [inner, argument, operator] = argumentOf(place, value as object, KNOWN)
    if (operator !== 'exists') {
      matchers.push(OPERATORS[operator]!(inner, argument))
      continue
    }
    mustBe('true or false', typeof argument === 'boolean', inner, argument)
    if (argument === true) matchers.push(() => true)
    else absent = true
  }
  const present = (value: unknown): boolean => {
    if (value === undefined) return false
    if (typeof value === 'object' && value !== null)
      return Array.isArray(value) && someElement(value, present)
    if (exact.size > 0 && exact.has(value)) return true
    for (const matches of matchers) if (matches(value)) return true
    return false
  }
  return (value, whole) => present(value) || (absent && !whole.has(path))
}

/** Whether an event has a leaf at a path, in any element of its lists. A field that holds an object is not a leaf. */
function hasLeaf(value: unknown, path: readonly string[]): boolean {
  if (Array.isArray(value)) return someElement(value, (element) => hasLeaf(element, path))
  const [key, ...below] = path
  return key === undefined ? isLeaf(value) : hasLeaf(fieldOf(value, key), below)
}

/**
 * Whether a test holds for an element of a list or of nested lists; an empty list is tested as undefined. Iterative,
 * since lists may be long and nested deeper than the stack.
 */
function someElement(list: readonly unknown[], test: (element: unknown) => boolean): boolean {
  const lists = [list]
  for (let next = lists.pop(); next !== undefined; next = lists.pop()) {
    if (next.length === 0 && test(undefined)) return true
    for (const element of next) {
      if (Array.isArray(element)) lists.push(element)
      else if (test(element)) return true
    }
  }
  return false
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const field = (value as Record<string, unknown>)[key]
  // Inherited properties are not fields of an event. Checked last: the check is expensive, and few names are inherited.
  return field === undefined || Object.hasOwn(value, key) ? field : undefined
}

function isLeaf(value: unknown): boolean {
  return value !== undefined && (value === null || typeof value !== 'object')
}

// https://github.com/aws/event-ruler#the-or-primitive
function isOr(value: unknown): value is readonly object[] {
  return (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every(
      (choice) => isObject(choice) && !Object.keys(choice as object).some((key) => RESERVED.includes(key)),
    )
  )
}
