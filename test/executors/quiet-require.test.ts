import { expect, test } from 'vitest'
import { quietRequire } from '../../src/executors/entry/quiet-require.js'

test('the warning of a required ES module is dropped, and no other', () => {
  const warnings: unknown[][] = []
  const process = { emitWarning: (...args: unknown[]) => void warnings.push(args) }
  quietRequire(process as never)
  const text =
    'Support for loading ES Module in require() is an experimental feature and might change at any time'
  process.emitWarning(text, 'ExperimentalWarning')
  process.emitWarning(
    'CommonJS module a.cjs is loading ES Module b.mjs using require().\nSupport for loading ES Module in require() is new',
  )
  process.emitWarning('Something else', 'ExperimentalWarning')
  expect(warnings).toEqual([['Something else', 'ExperimentalWarning']])
})
