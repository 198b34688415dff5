import type { memoryStore } from '../../src/stores/memory.js'
import { payloadStoreConformance } from '../../src/testing/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { patched, type SuiteTests, testSuite } from './mutation.js'
import { storeMutants } from './store-mutants.js'

testSuite('the payload store suite', storeMutants, async (mutant) => {
  const module = await patched<{ memoryStore: typeof memoryStore }>('src/stores/memory.ts', mutant)
  const tests: SuiteTests = new Map()
  payloadStoreConformance({
    test: (name, run) => tests.set(name, run),
    factory() {
      const clock = new ManualClock()
      const store = module.memoryStore({ clock })
      return { store, advance: (ms) => clock.jump(ms), close: () => store.close() }
    },
  })
  return tests
})
