import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createSession, generateKey } from '../../src/index.js'
import { createLambdaHost, createLocalBroker, createLocalCloud } from '../../src/local/index.js'
import { memory } from '../../src/transports/memory.js'
import {
  argumentRows,
  closeMade,
  optionNames,
  optionRows,
  problemOf,
  SAMPLES,
  type Sample,
} from './option-tables.js'

/** Exported functions that take nothing which could be wrong. */
const WITHOUT_OPTIONS: readonly string[] = [
  '.#generateKey',
  '.#marker',
  '.#printable',
  '.#TetherError',
  '.#HandlerError',
]

test('every exported function is in one of the tables below', async () => {
  const exported: string[] = []
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue
    const source = target.default.replace('./dist/', '../../src/').replace(/\.js$/, '.ts')
    const module = (await import(fileURLToPath(new URL(source, import.meta.url)))) as object
    for (const [name, value] of Object.entries(module)) {
      if (typeof value === 'function') exported.push(`${subpath}#${name}`)
    }
  }
  const tables = [...Object.keys(optionRows), ...Object.keys(argumentRows)].map((key) => key.split(' ')[0])
  expect(exported.length).toBeGreaterThan(30)
  expect(exported.filter((name) => !tables.includes(name) && !WITHOUT_OPTIONS.includes(name))).toEqual([])
})

/** Options that take values of several kinds; any other takes one kind at most. */
const SEVERAL_KINDS: Readonly<Record<string, readonly Sample[]>> = {
  detail: ['null', 'number', 'text', 'flag', 'list', 'object'],
  functions: ['object', 'function'],
  goLive: ['object', 'function'],
  inspect: ['flag', 'object'],
  seed: ['number', 'text'],
  tsconfigRaw: ['text', 'object'],
}

describe.each(Object.entries(optionRows))('%s', (_key, row) => {
  const { make, valid, effects, insteadOfOptions } = row
  const attempt = (options: unknown) => problemOf(() => make(options))
  afterEach(closeMade)

  it('accepts only an object as options', async () => {
    for (const sample of samplesBut(['object', ...insteadOfOptions])) {
      expect(await attempt(SAMPLES[sample]), sample).toMatch(/takes an object |^'target' must be/)
    }
  })

  it('names a missing option', async () => {
    for (const name of Object.keys(valid)) {
      const { [name]: _, ...others } = valid as Record<string, unknown>
      expect(await attempt(others), name).toMatch(new RegExp(`'${name}'`))
      expect(await attempt(undefined), name).toMatch(/'/)
    }
  })

  it('takes one kind of value for each option of its checks, and names an option of a wrong kind', async () => {
    const names = await optionNames(row)
    expect(names).toEqual(expect.arrayContaining(Object.keys({ ...valid, ...effects })))
    for (const name of names) {
      const kinds: Sample[] = []
      for (const sample of samplesBut([])) {
        const problem = await attempt({ ...valid, ...effects, [name]: SAMPLES[sample] })
        // Of options that exclude each other, each is right by itself.
        if (problem === undefined || problem.startsWith('Give either ')) kinds.push(sample)
        else expect(problem, sample).toMatch(naming(name))
      }
      const several = SEVERAL_KINDS[name] ?? []
      if (kinds.length > 1) expect(several, name).toEqual(expect.arrayContaining(kinds))
      expect(kinds, name).not.toContain('symbol')
    }
  })
})

describe.each(Object.entries(argumentRows))('%s', (_key, { call, name, accepts }) => {
  it('names the parameter when it has a wrong type', async () => {
    for (const sample of samplesBut(accepts)) {
      expect(await problemOf(() => call(SAMPLES[sample])), sample).toMatch(naming(name))
    }
  })
})

it('shows no secret of any type', async () => {
  const cases = [
    () => createSession({ app: 'a', stage: 'b', key: 'secret-word', transport: memory() }),
    () => createLocalBroker({ identities: [{ accessKeyId: 'A', secretAccessKey: 123_456 as never }] }),
    () => createLambdaHost({ credentials: { accessKeyId: 'A', secretAccessKey: ['secret-word'] as never } }),
  ]
  for (const one of cases) expect(await problemOf(one)).not.toMatch(/secret-word|123.?456/)
})

it('shows a wrong value so that a string and a number differ', async () => {
  const cloud = (port: unknown) => problemOf(() => createLocalCloud({ broker: { port: port as number } }))
  expect(await cloud('60')).toBe("'broker.port' must be a whole number from 0 to 65,535, not '60'.")
  expect(await cloud(60.5)).toBe("'broker.port' must be a whole number from 0 to 65,535, not 60.5.")
  expect(await cloud('')).toBe("'broker.port' must be a whole number from 0 to 65,535, not an empty text.")
  expect(await cloud('x'.repeat(1_000))).toMatch(/, not 'x{100}…'\.$/)
})

it('accepts a key in every form', () => {
  for (const key of [generateKey(), Buffer.alloc(32), 'ab'.repeat(32)])
    expect(() => createSession({ app: 'a', stage: 'b', keys: [key], transport: memory() })).not.toThrow()
})

/** A message that begins with the option's name, or with that of something in it. */
function naming(name: string): RegExp {
  return new RegExp(`^'${name}['.[]`)
}

function samplesBut(accepted: readonly Sample[]): Sample[] {
  return (Object.keys(SAMPLES) as Sample[]).filter((sample) => !accepted.includes(sample))
}
