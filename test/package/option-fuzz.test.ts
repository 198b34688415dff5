import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { argumentRows, closeMade, optionNames, optionRows, problemOf } from './option-tables.js'

/** Values that one check or another has let through, or has thrown something else for. */
const CORNERS: readonly unknown[] = [
  ...[
    null,
    0,
    -1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    10n ** 30n,
    true,
    Symbol('x'),
    Symbol.iterator,
  ],
  ...[
    '',
    ' ',
    '%',
    '%E0%A4%A',
    '\0',
    '\n',
    '\ud800',
    '*',
    '#',
    'a#',
    '#a',
    '..',
    '/',
    ',',
    'a'.repeat(100_000),
  ],
  ...[
    'http://',
    'http://[',
    'https://%E0%A4%A@x',
    'mqtt://%E0%A4%A:b@host',
    'mqtt://a:%E0%A4%A@host',
    'ws://x:99999',
  ],
  ...['wss://user@host/%ff', 'file:///%E0', 'x.handler', '__proto__', 'constructor', 'toString', '\u202e'],
  ...[
    new URL('file://host/share'),
    new URL('file:///a%2Fb'),
    new URL('file:///%E0%A4%A'),
    new URL('data:,x'),
  ],
  ...[[], [undefined], [null], [[]], ['', 5], ['%E0%A4%A'], [Symbol('x')], new Array(3), { length: 2 }],
  ...[{}, { a: undefined }, { a: null }, { a: Symbol('x') }, { a: { b: [] } }, Object.create(null)],
  ...[
    { ['__proto__']: 1 },
    JSON.parse('{"__proto__": {"a": 1}}'),
    { max: undefined },
    { max: 1n },
    { toString: 5 },
  ],
  ...[
    new Date(Number.NaN),
    new Map([['a', 1]]),
    new Set(),
    /x/,
    new Error('x'),
    Buffer.alloc(0),
    new Uint8Array(3),
  ],
  ...[() => {}, async () => undefined, Promise.resolve(1), new Proxy({}, {}), new Proxy(() => {}, {})],
]

const values = fc.oneof(
  fc.constantFrom(...CORNERS),
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withTypedArray: true,
  }),
  fc.string({ unit: 'binary' }),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.array(fc.constantFrom(...CORNERS), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('a', 'max', 'key', 'region', 'url'), fc.constantFrom(...CORNERS), {
    maxKeys: 3,
  }),
)

afterEach(closeMade)

describe.each(Object.entries(optionRows))('%s', { timeout: 60_000 }, (_key, row) => {
  const { make, valid, effects } = row
  // Where a right value would have effects, another option sees to it that there are none.
  const attempt = (options: object) => problemOf(() => make({ ...valid, ...effects, ...options }))

  it('throws a TetherError that names the option, for any value', async () => {
    const names = await optionNames(row)
    const check = async (name: string, value: unknown) => {
      const problem = await attempt({ [name]: value })
      if (problem !== undefined) expect(problem).toMatch(naming(name))
    }
    for (const name of names) for (const corner of CORNERS) await check(name, corner)
    const random = fc.asyncProperty(fc.constantFrom(...names), values, check)
    await fc.assert(random, { numRuns: 5 * names.length })
  })

  it('accepts undefined for optional options', async () => {
    const usual = await attempt({})
    for (const name of await optionNames(row)) {
      if (!Object.hasOwn({ ...valid, ...effects }, name))
        expect([name, await attempt({ [name]: undefined })]).toEqual([name, usual])
    }
  })
})

describe.each(Object.entries(argumentRows))('%s', { timeout: 60_000 }, (_key, { call, name }) => {
  it('throws only a TetherError that names it, for any value', async () => {
    const check = async (value: unknown) => {
      const problem = await problemOf(() => call(value))
      if (problem !== undefined) expect(problem).toMatch(naming(name))
    }
    for (const corner of CORNERS) await check(corner)
    await fc.assert(fc.asyncProperty(values, check), { numRuns: 25 })
  })
})

function naming(name: string): RegExp {
  return new RegExp(`'${name}['.[]`)
}
