import { describe, expect, it } from 'vitest'
import { diff } from '../../src/diff/diff.js'
import type { Comparable } from '../../src/index.js'
import { nestedArrays } from '../support/nested.js'

const value = (of: unknown): Comparable => ({ kind: 'value', value: of })
const record = (of: unknown, redacted: string[] = []) => ({ outcome: value(of), redacted })

describe('diff()', () => {
  it('finds nothing between equal responses', () => {
    const found = diff(record({ a: [1, { b: null }] }), value({ a: [1, { b: null }] }))
    expect([found.equal, found.changes, String(found)]).toEqual([true, [], 'No difference.'])
  })

  it('names changes, additions and removals by JSON pointers, in the order of the fields', () => {
    const before = { id: 7, 'a/b~c': 1, lines: [1, 2, 3], gone: true, kind: [] }
    const after = { id: 8, 'a/b~c': 2, lines: [1, 5], fresh: 'x', kind: {} }
    const found = diff(record(before), value(after))
    expect(found.equal).toBe(false)
    expect(found.changes).toEqual([
      { path: '/id', kind: 'changed', before: 7, after: 8 },
      { path: '/a~1b~0c', kind: 'changed', before: 1, after: 2 },
      { path: '/lines/1', kind: 'changed', before: 2, after: 5 },
      { path: '/lines/2', kind: 'removed', before: 3, after: undefined },
      { path: '/gone', kind: 'removed', before: true, after: undefined },
      { path: '/kind', kind: 'changed', before: [], after: {} },
      { path: '/fresh', kind: 'added', before: undefined, after: 'x' },
    ])
    expect(String(found).split('\n').slice(0, 4)).toEqual([
      '~ /id: 7 → 8',
      '~ /a~1b~0c: 1 → 2',
      '~ /lines/1: 2 → 5',
      '- /lines/2: 3',
    ])
  })

  it('compares inside the JSON body of an HTTP response, and leaves out ignored fields', () => {
    const answer = (body: unknown, date: string) => ({
      statusCode: 200,
      headers: { date },
      body: JSON.stringify(body),
    })
    const before = answer(
      {
        items: [
          { id: 1, at: 5 },
          { id: 2, at: 6 },
        ],
      },
      'yesterday',
    )
    const after = answer(
      {
        items: [
          { id: 1, at: 7 },
          { id: 3, at: 8 },
        ],
      },
      'today',
    )
    const ignore = ['/headers/date', '/body/items/*/at']
    expect(diff(record(before), value(after), { ignore }).changes).toMatchObject([
      { path: '/body/items/1/id' },
    ])
    expect(diff(record(before), value(after), { ignore: ['/headers', '/body'] }).equal).toBe(true)
    const encoded = { ...before, isBase64Encoded: true, body: Buffer.from(before.body).toString('base64') }
    expect(diff(record(before), value(encoded)).changes).toMatchObject([
      { path: '/isBase64Encoded', kind: 'added' },
    ])
  })

  it('compares errors by type and message, and an error with a response as a whole', () => {
    const error = (errorMessage: string, line: number): Comparable => ({
      kind: 'error',
      error: { errorType: 'TypeError', errorMessage, trace: [`at ${line}`] },
    })
    expect(diff({ outcome: error('no', 1) }, error('no', 2)).equal).toBe(true)
    expect(diff({ outcome: error('no', 1) }, error('other', 1)).changes).toMatchObject([
      { path: '/errorMessage' },
    ])
    expect(String(diff({ outcome: error('no', 1) }, value({ ok: true })))).toBe(
      '~ everything: {"errorType":"TypeError","errorMessage":"no"} → {"ok":true}',
    )
    expect(diff({ outcome: { kind: 'declined', reason: 'a' } }, value(1)).equal).toBe(false)
  })

  it('skips fields redacted in the recording, also within a body, and lists them', () => {
    const before = {
      token: '[redacted:sha256:0123abcd]',
      body: '{"key":"Bearer [redacted:1]","n":1}',
      statusCode: 200,
    }
    const after = { token: 'secret', body: '{"key":"Bearer secret","n":2}', statusCode: 200 }
    const found = diff(record(before, ['/outcome/value/token']), value(after))
    expect(found.changes).toMatchObject([{ path: '/body/n' }])
    expect(found.skipped).toEqual(['/token', '/body/key'])
    expect(String(found)).not.toContain('secret')
    expect(diff(record(before), value(after)).changes.length).toBe(3)
  })

  it('prints little, and no control characters of a terminal', () => {
    const text = String(
      diff(record(Array(50).fill(0)), value(Array(50).fill(`\u001b[31m${'x'.repeat(1_000)}`))),
    )
    expect(text).toMatch(/… and 30 more changes$/)
    expect(text).not.toContain('\u001b')
    expect(text.length).toBeLessThan(3_500)
  })

  it('handles deep nesting', () => {
    const [before, after] = [nestedArrays(20_000), nestedArrays(20_001)].map(value)
    const found = diff({ outcome: before! }, after!)
    expect(found.changes.length).toBe(1)
    expect(String(found).length).toBeLessThan(1_000)
  })

  it('handles long lists', () => {
    const long = (last: number) =>
      Array.from({ length: 300_000 }, (_, index) => (index === 299_999 ? last : 0))
    expect(diff(record(long(1)), value(long(2))).changes).toMatchObject([{ path: '/299999' }])
  })

  it('refuses a record without an outcome, and invalid pointers', () => {
    expect(() => diff({}, value(1))).toThrow(/'record' has no outcome/)
    expect(() => diff(record(1), {} as Comparable)).toThrow(/'outcome' must be an outcome/)
    expect(() => diff(record(1), value(1), { ignore: ['date'] })).toThrow(
      /'ignore\[0\]' must be a JSON pointer/,
    )
  })
})
