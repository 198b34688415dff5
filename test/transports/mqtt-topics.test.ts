import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LANES } from '../../src/core/contracts/transport.js'
import type { Endpoint } from '../../src/index.js'
import {
  clientIdPrefix,
  filterOf,
  isKeptTopic,
  keptTopicOf,
  newClientId,
  topicOf,
  topicPart,
} from '../../src/transports/mqtt/topics.js'

const part = fc
  .oneof(
    fc.constantFrom(
      '+',
      '#',
      '/',
      '$',
      '$SYS',
      '~',
      '.',
      '..',
      '\0',
      '漢'.repeat(33),
      'x'.repeat(100),
      '*',
      '?',
      '{a}',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
    fc.string({ minLength: 1, maxLength: 100 }),
  )
  .filter((it) => Buffer.byteLength(it) <= 100)

const endpoint: fc.Arbitrary<Endpoint> = fc.record({
  app: part,
  stage: part,
  role: fc.constantFrom('session', 'stub'),
  name: part,
})

/** Whether a filter with `+` takes a topic: MQTT 3.1.1, 4.7. */
function takes(filter: string, topic: string): boolean {
  const [levels, of] = [filter.split('/'), topic.split('/')]
  return levels.length === of.length && levels.every((level, index) => level === '+' || level === of[index])
}

describe('topics', () => {
  test('spell out plain parts', () => {
    const base = { app: 'shop', stage: 'dev', name: 'jane-doe_2-x' }
    expect(topicOf({ ...base, role: 'stub' })).toBe('lambda-tether/shop/dev/stub/jane-doe_2-x')
    expect(topicOf({ ...base, role: 'session', lane: 7 })).toBe(
      'lambda-tether/shop/dev/session/jane-doe_2-x/7',
    )
    expect(topicOf({ ...base, role: 'session' })).toBe('lambda-tether/shop/dev/session/jane-doe_2-x/0')
    expect(filterOf({ ...base, role: 'session' })).toBe('lambda-tether/shop/dev/session/jane-doe_2-x/+')
    expect(filterOf({ ...base, role: 'session', lane: 7 })).toBe(
      'lambda-tether/shop/dev/session/jane-doe_2-x/7',
    )
    expect(filterOf({ ...base, role: 'stub' })).toBe('lambda-tether/shop/dev/stub/jane-doe_2-x')
    expect(keptTopicOf(base)).toBe('lambda-tether/shop/dev/presence/jane-doe_2-x')
  })

  test('keep within the limits of AWS IoT for any parts, without special characters of a broker or IAM', () => {
    fc.assert(
      fc.property(endpoint, fc.option(fc.nat({ max: LANES - 1 }), { nil: undefined }), (one, lane) => {
        const topics = [topicOf({ ...one, ...(lane !== undefined && { lane }) }), filterOf(one)]
        for (const topic of [...topics, keptTopicOf(one)]) {
          expect(Buffer.byteLength(topic)).toBeLessThanOrEqual(256)
          expect(topic.split('/').length - 1).toBeLessThanOrEqual(7)
          expect(topic.replace(/\/\+$/, '')).toMatch(/^[A-Za-z0-9_.~/-]+$/)
          expect(topic.split('/').every((level) => level !== '')).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('of different endpoints differ, and a filter matches only its own', () => {
    fc.assert(
      fc.property(endpoint, endpoint, fc.nat({ max: LANES - 1 }), (one, other, lane) => {
        const same = (['app', 'stage', 'role', 'name'] as const).every((key) => one[key] === other[key])
        expect(takes(filterOf(one), topicOf({ ...other, lane }))).toBe(same)
        expect(takes(filterOf(one), topicOf({ ...one, lane }))).toBe(true)
        const sameName = (['app', 'stage', 'name'] as const).every((key) => one[key] === other[key])
        expect(keptTopicOf(one) === keptTopicOf(other)).toBe(sameName)
        expect(takes(filterOf(one), keptTopicOf(other))).toBe(false)
        expect([keptTopicOf(one), topicOf(one)].map(isKeptTopic)).toEqual([true, false])
      }),
      { numRuns: 1_000 },
    )
  })

  test('cannot be chosen to equal another’s hash', () => {
    const hashed = topicPart('+')
    expect(hashed).toMatch(/^~[0-9a-f]{32}$/)
    expect(topicPart(hashed)).not.toBe(hashed)
    expect(topicPart('x'.repeat(64))).toBe('x'.repeat(64))
    expect(topicPart('x'.repeat(65))).toMatch(/^~/)
  })

  test('have no dot, which NATS and RabbitMQ take for a slash', () => {
    const dotted = { app: 'shop.example', stage: 'v1.2', role: 'session', name: 'a.b' } as const
    for (const topic of [filterOf(dotted), topicOf(dotted), keptTopicOf(dotted)])
      expect(topic).not.toContain('.')
  })
})

describe('client ids', () => {
  test('name application, stage and role by a prefix, and are unique', () => {
    const self = { app: 'shop', stage: 'dev', role: 'stub' as const }
    expect(clientIdPrefix(self)).toMatch(/^lt-[0-9a-f]{16}-stub-$/)
    expect(newClientId(self)).toMatch(new RegExp(`^${clientIdPrefix(self)}[0-9a-f]{32}$`))
    expect(new Set(Array.from({ length: 1_000 }, () => newClientId(self))).size).toBe(1_000)
  })

  test('of another application, stage or role have another prefix', () => {
    const prefixes = [
      { app: 'a', stage: 'bc', role: 'stub' as const },
      { app: 'ab', stage: 'c', role: 'stub' as const },
      { app: 'a', stage: 'bd', role: 'stub' as const },
      { app: 'a', stage: 'bc', role: 'session' as const },
    ].map(clientIdPrefix)
    expect(new Set(prefixes).size).toBe(4)
  })

  test('are at most 128 bytes long, as AWS IoT requires', () => {
    expect(
      newClientId({ app: '漢'.repeat(33), stage: 'x'.repeat(100), role: 'session' }).length,
    ).toBeLessThan(128)
  })
})
