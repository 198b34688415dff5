import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.js'
import {
  type PayloadStoreUnderTest,
  payloadStoreConformance,
} from '../../src/testing/payload-store/conformance.js'
import { ManualClock } from '../support/manual-clock.js'
import { naiveStore } from './naive-store.js'
import { STORE_MUTANTS, type StoreMutant } from './payload-stores.js'

/** The tests of the suite, to be run one by one. */
function suite(factory: () => PayloadStoreUnderTest | Promise<PayloadStoreUnderTest>) {
  const tests = new Map<string, () => Promise<void>>()
  payloadStoreConformance({ test: (name, run) => tests.set(name, run), factory })
  return tests
}

async function failedBy(factory: () => PayloadStoreUnderTest | Promise<PayloadStoreUnderTest>) {
  const failed: string[] = []
  for (const [name, run] of suite(factory)) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

async function make(mutant: StoreMutant | undefined): Promise<PayloadStoreUnderTest> {
  const clock = new ManualClock()
  const advance = (ms: number) => clock.jump(ms)
  if (mutant !== undefined && 'breakStore' in mutant) {
    const store = memoryStore({ clock })
    return { store: mutant.breakStore(store), advance, close: () => store.close() }
  }
  return { ...(await naiveStore(mutant?.careless, () => clock.now())), advance }
}

describe('the suite of payload stores', () => {
  it('passes another store that is right', async () => {
    expect(await failedBy(() => make(undefined))).toEqual([])
  })

  it.each(STORE_MUTANTS)('fails a store that $wrong', async (mutant) => {
    expect(await failedBy(() => make(mutant))).toEqual(expect.arrayContaining([...mutant.failed]))
  })

  it('has no test that no broken store fails', () => {
    const caught = new Set(STORE_MUTANTS.flatMap(({ failed }) => failed))
    const names = [...suite(() => make(undefined)).keys()]
    expect([...caught].sort()).toEqual(names.sort())
  })
})
