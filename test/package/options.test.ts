import { fileURLToPath } from 'node:url'
import { describe, expect, it, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createSession, generateKey, TetherError } from '../../src/index.js'
import { createLambdaHost, createLocalBroker, createLocalCloud } from '../../src/local/index.js'
import { memory } from '../../src/transports/memory.js'
import { argumentRows, optionRows, SAMPLES, type Sample } from './option-tables.js'

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

describe.each(Object.entries(optionRows))(
  '%s',
  (_key, { make, valid, required, accepts, insteadOfOptions }) => {
    const attempt = (options: unknown) => problemOf(() => make(options))

    it('names an option that is misspelt', async () => {
      expect(await attempt({ ...valid, misspelt: 1 })).toMatch(
        /^'misspelt' is no option of \w+\(\); those are /,
      )
    })

    it('takes nothing in place of options', async () => {
      for (const sample of samplesBut(['object', ...insteadOfOptions])) {
        expect(await attempt(SAMPLES[sample]), sample).toMatch(/takes an object |^'target' must be/)
      }
    })

    it.each(required.map((name) => [name]))('names %s where it is missing', async (name) => {
      const { [name]: _, ...others } = valid as Record<string, unknown>
      expect(await attempt(others)).toMatch(naming(name))
      expect(await attempt(undefined)).toContain(`'${name}'`)
    })

    it.each(Object.entries(accepts))('names %s where it is of a wrong kind', async (name, accepted) => {
      for (const sample of samplesBut(accepted)) {
        expect(await attempt({ ...valid, [name]: SAMPLES[sample] }), sample).toMatch(naming(name))
      }
    })
  },
)

describe.each(Object.entries(argumentRows))('%s', (_key, { call, name, accepts }) => {
  it('names what it takes where it is of a wrong kind', async () => {
    for (const sample of samplesBut(accepts)) {
      expect(await problemOf(() => call(SAMPLES[sample])), sample).toMatch(naming(name))
    }
  })
})

it('shows no secret, of whatever kind it is', async () => {
  const cases = [
    () => createSession({ app: 'a', stage: 'b', key: 'secret-word', transport: memory() }),
    () => createLocalBroker({ identities: [{ accessKeyId: 'A', secretAccessKey: 123_456 as never }] }),
    () => createLambdaHost({ credentials: { accessKeyId: 'A', secretAccessKey: ['secret-word'] as never } }),
  ]
  for (const one of cases) expect(await problemOf(one)).not.toMatch(/secret-word|123.?456/)
})

it('shows a wrong value so that a text and a number differ', async () => {
  const cloud = (port: unknown) => problemOf(() => createLocalCloud({ broker: { port: port as number } }))
  expect(await cloud('60')).toBe("'broker.port' must be a whole number from 0 to 65,535, not '60'.")
  expect(await cloud(60.5)).toBe("'broker.port' must be a whole number from 0 to 65,535, not 60.5.")
  expect(await cloud('')).toBe("'broker.port' must be a whole number from 0 to 65,535, not an empty text.")
  expect(await cloud('x'.repeat(1_000))).toMatch(/, not 'x{100}…'\.$/)
})

it('takes a key in every form that it has', () => {
  for (const key of [generateKey(), Buffer.alloc(32), 'ab'.repeat(32)])
    expect(() => createSession({ app: 'a', stage: 'b', keys: [key], transport: memory() })).not.toThrow()
})

/** The message of an `INVALID_OPTION`; anything else that happens is no such message. */
async function problemOf(attempt: () => unknown): Promise<string> {
  try {
    await attempt()
    return 'nothing was thrown'
  } catch (error) {
    if (error instanceof TetherError && error.code === 'INVALID_OPTION') return error.message
    return `not INVALID_OPTION: ${String(error)}`
  }
}

/** A message that begins with the option's name, or with that of something in it. */
function naming(name: string): RegExp {
  return new RegExp(`^'${name}['.[]`)
}

function samplesBut(accepted: readonly Sample[]): Sample[] {
  return (Object.keys(SAMPLES) as Sample[]).filter((sample) => !accepted.includes(sample))
}
