import assert from 'node:assert/strict'
import { systemClock } from '../../core/base/clock.js'
import { listOf, oneOf } from '../../core/base/option-checks.js'
import { checkOptions } from '../../core/base/options.js'
import { Patience, type SuiteOptions, suiteChecks } from '../suite.js'
import { addressingTests } from './addressing-tests.js'
import { transportClosingTests } from './closing-tests.js'
import { connectingTests } from './connecting-tests.js'
import { deliveryTests } from './delivery-tests.js'
import { keepTests } from './keep-tests.js'
import { laneTests } from './lane-tests.js'
import { sendingTests } from './sending-tests.js'
import { transportStreamingTests } from './streaming-tests.js'
import {
  type TransportFeature,
  type TransportTest,
  TransportTrial,
  type TransportUnderTest,
} from './trial.js'

export interface TransportConformanceOptions extends SuiteOptions {
  /** Makes a transport for one test. They may share a broker: each test uses an `app` of its own. */
  factory(): TransportUnderTest | Promise<TransportUnderTest>
  /**
   * Features that this transport or factory does not have: their tests are left out. Naming a feature that it has is an
   * error.
   * @default none
   */
  readonly without?: readonly TransportFeature[] | undefined
}

const TESTS: readonly TransportTest[] = [
  ...connectingTests,
  ...deliveryTests,
  ...sendingTests,
  ...transportStreamingTests,
  ...addressingTests,
  ...laneTests,
  ...keepTests,
  ...transportClosingTests,
]

const FEATURES: readonly string[] = [...new Set(TESTS.flatMap(({ needs = [] }) => needs))]

/**
 * Registers a test for every promise of `Transport` and `Connection`. Here a transport may repeat and reorder frames,
 * but must not lose any, even if it may under load: no connection of these quiet tests carries 100 frames.
 * @throws TetherError `INVALID_OPTION`
 */
export function transportConformance(options: TransportConformanceOptions): void {
  const {
    test,
    factory,
    without = [],
    waitMs = 5_000,
    clock = systemClock,
  } = checkOptions<TransportConformanceOptions>('transportConformance', options, {
    ...suiteChecks,
    without: listOf('a list of features', oneOf(...FEATURES)),
  })
  const patience = new Patience(clock, waitMs)
  const register = (name: string, run: TransportTest['run']) =>
    test(name, async () => {
      const trial = new TransportTrial(await factory(), patience)
      try {
        await run(trial)
      } finally {
        await trial.end()
      }
    })
  for (const { name, needs = [], run } of TESTS) {
    if (!needs.some((feature) => without.includes(feature))) register(name, run)
  }
  register('the transport has no feature that `without` names', async (trial) => {
    const features = await trial.features()
    for (const feature of without)
      assert(!features.has(feature), `'${feature}' is in \`without\`, and it is there.`)
  })
}
