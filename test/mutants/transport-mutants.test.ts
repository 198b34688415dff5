import { describe, expect, test } from 'vitest'
import { transportConformance } from '../../src/testing/index.js'
import { TRANSPORT_MUTANTS } from './transport-mutants.js'
import { failuresOf, makeReference, transportTests } from './transport-suite.js'

describe('a correct transport that does all that one may do', () => {
  transportConformance({ test, factory: makeReference })
})

describe('the transport suite', () => {
  test.each(TRANSPORT_MUTANTS)('catches one that $name', async ({ make, caughtBy, without }) => {
    expect(await failuresOf(transportTests(make, without))).toContain(caughtBy)
  })

  test('has a mutant for each of its tests', () => {
    const caught = new Set(TRANSPORT_MUTANTS.map(({ caughtBy }) => caughtBy))
    expect(transportTests().filter(({ name }) => !caught.has(name))).toEqual([])
  })

  test('passes the correct one in the turns that it waits', async () => {
    expect(await failuresOf(transportTests())).toEqual([])
  })
})
