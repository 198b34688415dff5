import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { compilePattern } from '../../../src/core/pattern/event-pattern.js'
import type { EventPattern } from '../../../src/index.js'
import { AWS_CASES } from './aws-cases.js'
import { slowlyMatches } from './slow-reference.js'

const matches = (pattern: EventPattern, event: unknown) => compilePattern('event', pattern)(event)

describe.each(Object.entries(AWS_CASES))('%s', (_name, cases) => {
  it('matches as AWS documents', () => {
    const wrong = cases.filter(([pattern, event, expected]) => matches(pattern, event) !== expected)
    expect(wrong).toEqual([])
  })
})

test('the table has enough cases, of both outcomes, without duplicates', () => {
  const cases = Object.values(AWS_CASES).flat()
  const matching = cases.filter(([, , expected]) => expected).length
  expect(new Set(cases.map((one) => JSON.stringify(one))).size).toBe(cases.length)
  expect(cases.length).toBeGreaterThanOrEqual(200)
  expect(matching).toBeGreaterThan(cases.length / 3)
  expect(matching).toBeLessThan((cases.length * 2) / 3)
})

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '.', '*', '\\'), maxLength: 4 })
const number = fc.constantFrom(-1, 0, 1, 2.5)
const leaf = fc.oneof(letters, number, fc.boolean(), fc.constant(null))
const key = fc.constantFrom('a', 'b')
const wildcard = fc
  .array(fc.constantFrom('*', 'a', 'b', '\\*', '\\\\', '.'), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('').replace(/(?<!\\)\*+/g, '*'))
  .filter((text) => !/(?<!\\)(?:\\\\)*\*\*/.test(text))
const listOf = (one: fc.Arbitrary<unknown>) => fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 2 }))
const operator = fc.oneof(
  fc.record({ prefix: fc.oneof(letters, fc.record({ 'equals-ignore-case': letters })) }),
  fc.record({ suffix: fc.oneof(letters, fc.record({ 'equals-ignore-case': letters })) }),
  fc.record({ 'equals-ignore-case': letters }),
  fc.record({ wildcard }),
  fc.record({ exists: fc.boolean() }),
  fc.record({ numeric: fc.tuple(fc.constantFrom('=', '<', '<=', '>', '>='), number) }),
  fc.record({ numeric: fc.tuple(fc.constant('>'), number, fc.constant('<='), number) }),
  fc.record({ 'anything-but': fc.oneof(listOf(letters), listOf(number)) }),
  fc.record({
    'anything-but': fc.oneof(
      fc.record({ prefix: listOf(letters) }),
      fc.record({ suffix: listOf(letters) }),
      fc.record({ 'equals-ignore-case': listOf(letters) }),
      fc.record({ wildcard: listOf(wildcard) }),
    ),
  }),
)
const values = fc.array(fc.oneof(leaf, operator), { minLength: 1, maxLength: 3 })
const plain = fc.letrec<{ pattern: EventPattern }>((tie) => ({
  pattern: fc.dictionary(key, fc.oneof({ maxDepth: 2 }, values, tie('pattern')), {
    minKeys: 1,
    maxKeys: 2,
  }) as fc.Arbitrary<EventPattern>,
})).pattern
// Its fields are others than the pattern's: of one list, `$or` may look into another element.
const choice = fc.dictionary(fc.constantFrom('d', 'e'), values, { minKeys: 1, maxKeys: 2 })
const pattern = fc.oneof(
  plain,
  fc
    .tuple(plain, fc.array(choice, { minLength: 2, maxLength: 3 }))
    .map(([one, $or]) => ({ ...one, $or }) as EventPattern),
)
const event = fc.letrec<{ event: unknown; value: unknown }>((tie) => ({
  event: fc.dictionary(fc.constantFrom('a', 'b', 'd', 'e'), tie('value'), { minKeys: 1, maxKeys: 4 }),
  value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('event')),
})).event

test('agrees with a slow reference implementation', () => {
  let matched = 0
  const property = fc.property(pattern, event, (one, other) => {
    const expected = slowlyMatches(one, other)
    if (expected) matched++
    expect(matches(one, other)).toBe(expected)
  })
  fc.assert(property, { numRuns: 3_000 })
  expect(matched).toBeGreaterThan(50)
})

test('a wildcard takes linear time in the text', () => {
  const nasty = compilePattern('event', { a: [{ wildcard: `${'*a'.repeat(30)}*b` }] })
  expect(nasty({ a: 'a'.repeat(100_000) })).toBe(false)
})

test('a field that must not exist is searched for once, not for each element of a list', () => {
  let reads = 0
  const counted = (fields: object) =>
    new Proxy(fields, {
      get: (target, name, receiver) => {
        if (name === 'flag') reads++
        return Reflect.get(target, name, receiver)
      },
    })
  const items = [...Array.from({ length: 1_000 }, () => counted({})), counted({ flag: 1 })]
  expect(matches({ items: { flag: [{ exists: false }] } }, { items })).toBe(false)
  expect(reads).toBeLessThan(3_000)
})

test('lists may be nested deeper than the stack', () => {
  const nested = (value: unknown) =>
    JSON.parse(`${'['.repeat(100_000)}${JSON.stringify(value)}${']'.repeat(100_000)}`)
  expect(matches({ a: ['x'] }, { a: nested('x') })).toBe(true)
  expect(matches({ a: { b: ['x'] } }, { a: nested({ b: 'x' }) })).toBe(true)
  expect(matches({ a: { b: [{ exists: false }] } }, { a: nested({ b: 'x' }) })).toBe(false)
  expect(matches({ a: ['x'] }, nested({ a: 'y' }))).toBe(false)
})

test('a pattern is nested at most 50 levels deep, by fields and by $or', () => {
  let pattern: EventPattern = { a: ['x'] }
  for (let level = 0; level < 20_000; level++) pattern = { $or: [{ b: ['y'] }, pattern] }
  expect(() => compilePattern('event', pattern)).toThrow('is nested more than 50 levels deep')
})

describe('an invalid pattern is rejected with its place', () => {
  it.each<[unknown, string]>([
    [[], "'event' must be an event pattern"],
    [{}, "'event' is empty"],
    [{ a: {} }, "'event.a' is empty"],
    [{ a: [] }, "'event.a' is an empty list"],
    [{ a: 'x' }, "'event.a' must be an event pattern"],
    [{ a: [['x']] }, "'event.a[0]' must be a text"],
    [{ a: [{}] }, "'event.a[0]' must have one operator"],
    [{ a: ['x', { prefx: 'y' }] }, "'event.a[1]' must have one operator"],
    [{ a: [{ prefix: 'a', suffix: 'b' }] }, "'event.a[0]' must have one operator"],
    [{ a: [{ prefix: 5 }] }, "'event.a[0].prefix' must be a text"],
    [
      { a: [{ suffix: { 'equals-ignore-case': 5 } }] },
      "'event.a[0].suffix.equals-ignore-case' must be a text",
    ],
    [{ a: [{ prefix: { suffix: 'x' } }] }, "'event.a[0].prefix' must have one operator"],
    [{ a: [{ exists: 'yes' }] }, "'event.a[0].exists' must be true or false"],
    [{ a: [{ numeric: ['>'] }] }, "'event.a[0].numeric' must be a list"],
    [{ a: [{ numeric: ['=>', 1] }] }, "'event.a[0].numeric[0]' must be a comparison"],
    [{ a: [{ numeric: ['>', '1'] }] }, "'event.a[0].numeric[1]' must be a number"],
    [{ a: [{ numeric: ['>', 5e9 + 1] }] }, "'event.a[0].numeric[1]' must be a number"],
    [{ a: [{ cidr: '10.0.0.0' }] }, "'event.a[0].cidr' must be an IP block"],
    [{ a: [{ cidr: '10.0.0.0/33' }] }, "'event.a[0].cidr' must be an IP block"],
    [{ a: [{ cidr: '10.0.0/8' }] }, "'event.a[0].cidr' must be an IP block"],
    [{ a: [{ wildcard: 'a**b' }] }, "'event.a[0].wildcard' has two asterisks"],
    [{ a: [{ wildcard: 'a\\b' }] }, "'event.a[0].wildcard' has a backslash"],
    [{ a: [{ wildcard: 'a\\' }] }, "'event.a[0].wildcard' has a backslash"],
    [{ a: [{ 'anything-but': [] }] }, "'event.a[0].anything-but' must be a list"],
    [{ a: [{ 'anything-but': ['a', 1] }] }, "'event.a[0].anything-but' must be a text, a number"],
    [{ a: [{ 'anything-but': null }] }, "'event.a[0].anything-but' must be a text, a number"],
    [{ a: [{ 'anything-but': { exists: true } }] }, "'event.a[0].anything-but' must have one operator"],
    [{ $or: [{ a: ['x'] }, {}] }, "'event.$or[1]' is empty"],
    [{ $or: [{ a: ['x'] }] }, "'event.$or[0]' must have one operator"],
  ])('%j', (given, message) => {
    expect(() => compilePattern('event', given)).toThrow(message)
  })

  it('a pattern that is too deep', () => {
    let deep: unknown = ['x']
    for (let level = 0; level < 1_000; level++) deep = { a: deep }
    expect(() => compilePattern('event', deep)).toThrow('levels deep')
  })
})
