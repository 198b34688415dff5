import { describe, expect, test } from 'vitest'
import { transportConformance } from '../../src/testing/index.js'
import { failedBy, mutantTables } from './mutant-table.js'
import { TRANSPORT_MUTANTS } from './transport-mutants.js'
import { failuresOf, makeReference, transportTests } from './transport-suite.js'

describe('a correct transport that does all that one may do', () => {
  transportConformance({ test, factory: makeReference })
})

describe('the transport suite', () => {
  test.each(TRANSPORT_MUTANTS)('catches one that $name', async (mutant) => {
    expect(await failedBy(mutant)).toContain(mutant.caughtBy)
  })

  test('has a mutant for each of its tests', () => {
    const caught = new Set(TRANSPORT_MUTANTS.map(({ caughtBy }) => caughtBy))
    expect(transportTests().filter(({ name }) => !caught.has(name))).toEqual([])
  })

  test('passes the correct one in the turns that it waits', async () => {
    expect(await failuresOf(transportTests())).toEqual([])
  })
})

// After the tests above, which have run every broken transport.
test('docs/mutants.md says what is so', { timeout: 120_000 }, async () => {
  // `npm run docs:mutants` writes it.
  await expect(await mutantTables()).toMatchFileSnapshot('../../docs/mutants.md')
})
