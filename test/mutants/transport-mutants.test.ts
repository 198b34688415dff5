import { expect, test } from 'vitest'
import type { Clock } from '../../src/core/base/clock.js'
import { type TransportFeature, transportConformance } from '../../src/testing/index.js'
import type { memory } from '../../src/transports/memory.js'
import { type Mutant, patched, type SuiteTests, testSuite } from './mutation.js'
import { transportMutants } from './transport-mutants.js'

/** Many times the turns that the slowest test of the reference needs. */
const WAIT_TURNS = 2_000

/** A clock on which a millisecond is a turn of the event loop: a busy machine cannot make a wait too short. */
const turnClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    let left = delayMs
    const tick = () => {
      if (left-- > 0) pending = setImmediate(tick)
      else callback()
    }
    let pending = setImmediate(tick)
    return () => clearImmediate(pending)
  },
}

/** Fails for a wrong option of the suite, and not for a wrong transport. */
const ABSENT = 'the transport has no feature that `without` names'

async function transportTests(
  mutant?: Mutant,
  without: readonly TransportFeature[] = [],
): Promise<SuiteTests> {
  const module = await patched<{ memory: typeof memory }>('src/transports/memory.ts', mutant)
  const tests: SuiteTests = new Map()
  transportConformance({
    test: (name, run) => tests.set(name, run),
    factory() {
      const transport = module.memory()
      return { transport, cut: () => transport.cut(), close: () => transport.cut() }
    },
    without,
    clock: turnClock,
    waitMs: WAIT_TURNS,
  })
  return tests
}

testSuite('the transport suite', transportMutants, async (mutant) => {
  const tests = await transportTests(mutant)
  tests.delete(ABSENT)
  return tests
})

test.each<TransportFeature>(['serve', 'keep', 'cut'])(
  'the suite finds %s where it is said to be absent',
  async (feature) => {
    const tests = await transportTests(undefined, [feature])
    await expect(tests.get(ABSENT)?.()).rejects.toThrow(`'${feature}' is in \`without\`, and it is there.`)
  },
)

test('the reference passes in the turns that the suite waits', async () => {
  for (const run of (await transportTests()).values()) await run()
})
