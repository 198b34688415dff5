import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyWithin } from '../../src/stub/wrap/mirror-copy.js'

describe('copyWithin', () => {
  it('is the JSON of every event that fits, and of none that does not', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: -3, max: 3 }), (event, spare) => {
        const json = JSON.stringify(event)
        const bytes = Buffer.byteLength(json)
        expect(copyWithin(event, bytes + spare)).toBe(spare < 0 ? undefined : json)
      }),
    )
  })

  it('is null for no event', () => {
    expect(copyWithin(undefined, 100)).toBe('null')
  })

  it('ends on an event that refers to itself', () => {
    const event: unknown[] = []
    event.push(event, event)
    expect(copyWithin(event, 10_000)).toBeUndefined()
  })
})
