import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rootKey } from '../../src/core/wire/root-key.js'
import { goLive, type LiveOptions, restore } from '../../src/deploy/index.js'
import { readSnapshotBytes, snapshotBytes, snapshotKeyId } from '../../src/deploy/snapshot/format.js'
import { codeHash, type Snapshot } from '../../src/deploy/snapshot/snapshot.js'
import { type LiveAccount, liveAccount } from './live-fixture.js'

const ROOT = Buffer.alloc(32, 9)
const STAGE = { app: 'app', stage: 'dev' }
const SNAPSHOT: Snapshot = {
  version: 2,
  id: '0123456789abcdef',
  keyId: snapshotKeyId(ROOT, STAGE),
  functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:api',
  takenAt: '2026-11-21T08:00:00.000Z',
  ...STAGE,
  mode: 'replace',
  original: {
    codeSha256: codeHash(Buffer.from('its own')),
    codeBytes: 7,
    runtime: 'python3.12',
    handler: 'app.handler',
    layers: ['arn:aws:lambda:eu-west-1:123456789012:layer:own:1'],
    timeoutSeconds: 3,
    memoryMb: 128,
    environment: { OWN: 'secret', EMPTY: '' },
  },
  live: {
    timeoutSeconds: [60, 90],
    codeSha256: [codeHash(Buffer.from('stub'))],
    runtime: 'nodejs22.x',
    handler: 'index.handler',
  },
  policies: [{ roleName: 'api-role', session: 'default' }],
}

type Json = ReturnType<typeof JSON.parse>

/** Where a value is in another, and what becomes of it. */
interface Mutation {
  readonly at: number
  readonly act: 'replace' | 'remove' | 'add'
  readonly value: unknown
  readonly name: string
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  act: fc.constantFrom('replace', 'remove', 'add'),
  // Wrong types, near misses, and names that JavaScript gives a meaning to.
  value: fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(null, '', 0, -1, 1.5, 1e300, true, [], {}, '__proto__', [[]], [{}], 'x'.repeat(10_000)),
  ),
  name: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'version', 'length')),
})

/** Changes one place of a JSON value; any place is as likely. */
function mutated(json: string, { at, act, value, name }: Mutation): string {
  const root = { whole: JSON.parse(json) as Json }
  const places: [parent: Json, name: string][] = [[root, 'whole']]
  for (const [parent, one] of places) {
    const child = parent[one]
    if (typeof child === 'object' && child !== null)
      for (const inner of Object.keys(child)) places.push([child, inner])
  }
  const [parent, one] = places[at % places.length]!
  const target = parent[one]
  if (act === 'add' && typeof target === 'object' && target !== null) {
    const added = Array.isArray(target) ? String(target.length) : name
    Object.defineProperty(target, added, { value, enumerable: true, configurable: true, writable: true })
  } else if (act === 'remove' && parent !== root) {
    if (Array.isArray(parent)) parent.splice(Number(one), 1)
    else delete parent[one]
  } else parent[one] = value
  return JSON.stringify(root.whole)
}

const sealed = Buffer.from(snapshotBytes(SNAPSHOT, [ROOT])).toString()

describe('a mutated snapshot', () => {
  it('reads as the original with the key, or is refused by name', () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const read = readSnapshotBytes(Buffer.from(mutations.reduce(mutated, sealed)), [ROOT])
        if ('snapshot' in read) expect(read.snapshot).toEqual(SNAPSHOT)
        else expect(read.problem).not.toBe('')
      }),
      { numRuns: 2_000 },
    )
  })

  it('has the required types without the key, or is refused by name', () => {
    let usable = 0
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const read = readSnapshotBytes(Buffer.from(mutations.reduce(mutated, sealed)), [])
        if ('fault' in read) expect(read.fault).toBe('malformed')
        else {
          usable += 1
          expect(shapeOf(read.snapshot)).toEqual(shapeOf(SNAPSHOT))
        }
      }),
      { numRuns: 2_000 },
    )
    expect(usable).toBeGreaterThan(10)
  })

  it('reads as the original or is refused, also as arbitrary bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .tuple(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }))
        .map(([at, xor]) => Buffer.from(sealed).map((byte, index) => (index === at ? byte ^ xor : byte))),
    )
    fc.assert(
      fc.property(bytes, (some) => {
        const read = readSnapshotBytes(some, [ROOT])
        if ('snapshot' in read) expect(read.snapshot).toEqual(SNAPSHOT)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a mutated snapshot of a live function', () => {
  let account: LiveAccount
  let options: LiveOptions
  beforeAll(async () => {
    account = await liveAccount()
    await account.create('node', { Environment: { Variables: { OWN: 'value' } } })
    options = account.options({ functions: ['node'], timeoutSeconds: 60 })
  })
  afterAll(() => account[Symbol.asyncDispose]())

  it('is refused with a reason and changes nothing, and the original restores the function', {
    timeout: 60_000,
  }, async () => {
    const before = await account.state('node')
    await goLive(options)
    const [key = ''] = await options.snapshots.list('')
    const honest = Buffer.from((await options.snapshots.get(key)) ?? []).toString()
    const roots = [rootKey('key', options.stub.key)]
    const live = await account.state('node')
    account.changes.length = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(mutation, async (one) => {
        const text = mutated(honest, one)
        // What means the same would restore it: that is the last part's.
        if ('snapshot' in readSnapshotBytes(Buffer.from(text), roots)) return
        await options.snapshots.put(key, Buffer.from(text))
        await expect(restore(options)).rejects.toMatchObject({
          code: 'STORE_FAILED',
          message: expect.stringContaining(`The snapshot ${key} in `),
        })
        refused += 1
      }),
      { numRuns: 60 },
    )
    expect(refused).toBeGreaterThan(30)
    expect(account.changes).toEqual([])
    expect(await account.state('node')).toEqual(live)
    await options.snapshots.put(key, Buffer.from(honest))
    await restore(options)
    expect(await account.state('node')).toStrictEqual(before)
  })
})

/** The types of what is in a value, whatever is in it: lists by their elements, variables by their values. */
function shapeOf({ original, live, policies, ...facts }: Snapshot): Record<string, unknown> {
  const types = (value: object) =>
    Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typeof one]))
  const { layers, environment, ...rest } = original
  const wrong = [
    ...layers.filter((one) => typeof one !== 'string'),
    ...Object.values(environment).filter((one) => typeof one !== 'string'),
    ...live.timeoutSeconds.filter((one) => !Number.isInteger(one)),
    ...live.codeSha256.filter((one) => typeof one !== 'string'),
    ...policies.filter(
      ({ roleName, session }) => typeof roleName !== 'string' || typeof session !== 'string',
    ),
  ]
  return { facts: types(facts), original: types(rest), live: types(live), wrong }
}
