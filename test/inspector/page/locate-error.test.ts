import fc from 'fast-check'
import { expect, it } from 'vitest'
import { locateJsonError } from '../../../src/inspector/page/json/locate-error.js'

it.each([
  ['', 1, 1, 'a value, found the end'],
  ['{', 1, 2, 'a key in double quotes, found the end'],
  ['{"a" 1}', 1, 6, 'a colon, found 1'],
  ['{"a":}', 1, 6, 'a value, found }'],
  ['{"a":1 "b":2}', 1, 8, 'a comma or }, found "'],
  ['{"a":1,\n}', 2, 1, 'a key in double quotes, found }'],
  ['[1\n,\n2', 3, 2, 'a comma or ], found the end'],
  ['[1,]', 1, 4, 'a value, found ]'],
  ['"a\nb"', 1, 1, 'a string that ends on its line, found "'],
  ["{'a':1}", 1, 2, "a key in double quotes, found '"],
  ['[01]', 1, 3, 'a comma or ], found 1'],
  ['nul', 1, 1, 'a value, found n'],
  ['{} x', 1, 4, 'nothing more, found x'],
])('%j', (text, line, column, expected) => {
  expect(locateJsonError(text)).toMatchObject({
    line,
    column,
    message: `Line ${line}, column ${column}: expected ${expected}`,
  })
})

it('finds no error in JSON, but one in truncated JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, at) => {
      expect(locateJsonError(text)).toBeUndefined()
      const broken = `${text.slice(0, at % text.length)}\u0001`
      expect(locateJsonError(broken)?.index).toBeLessThan(broken.length)
    }),
    { numRuns: 300 },
  )
})

it('reads deeply nested JSON', () => {
  expect(locateJsonError('['.repeat(50_000))?.column).toBe(50_001)
})
