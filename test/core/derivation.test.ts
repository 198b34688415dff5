import { createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { expand, stageKey, stageKeyId } from '../../src/core/wire/derivation.js'

const root = Buffer.from(Array.from({ length: 32 }, (_, at) => at))
const stage = { app: 'shop', stage: 'dév "1"' }

describe('derivations', () => {
  // Made with Python's hmac and json, from the specification alone.
  it('match the specification', () => {
    const key = stageKey(root, stage)
    expect(key.toString('hex')).toBe('830df75d99a55a94b4456369fddff478a1fab45c89d0df7dc9e3bab4c6c9cabf')
    expect(stageKeyId(key)).toBe('9ea03056')
    expect(expand(key, 'snapshot').toString('hex')).toBe(
      'ed3ecfb128782839c1038c5241bd99de4ca760cbb7e286cec84814de5ece3510',
    )
  })

  it('equal the expand step of HKDF in Node', () => {
    const ikm = Buffer.from('input keying material')
    const extracted = createHmac('sha256', 'salt').update(ikm).digest()
    const info = JSON.stringify(['a', 2])
    expect(expand(extracted, 'a', 2)).toEqual(Buffer.from(hkdfSync('sha256', ikm, 'salt', info, 32)))
  })

  it('distinguish inputs that are equal when joined', () => {
    const keys = [
      stageKey(root, { app: 'ab', stage: 'c' }),
      stageKey(root, { app: 'a', stage: 'bc' }),
      stageKey(root, { app: 'a","b', stage: 'c' }),
      expand(root, 'lambda-tether', '2', 'ab', 'c'),
    ]
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(keys.length)
  })
})
