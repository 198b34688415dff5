import { expect, it } from 'vitest'
import { RandomIds } from '../../src/core/base/random-ids.js'

it('random ids have 128 bits each, and none comes twice', () => {
  const ids = new RandomIds()
  const drawn = Array.from({ length: 500 }, () => ids.next())
  expect(new Set(drawn).size).toBe(500)
  for (const id of drawn) {
    expect(id).toMatch(/^[\w-]{22}$/)
    expect(Buffer.from(id, 'base64url')).toHaveLength(16)
  }
  // Every bit of the first and of the last byte is used by some.
  const or = (byte: number) => drawn.reduce((bits, id) => bits | Buffer.from(id, 'base64url')[byte]!, 0)
  expect([or(0), or(15)]).toEqual([255, 255])
})
