import assert from 'node:assert/strict'
import { systemClock } from '../../core/base/clock.js'
import { listOf, oneOf } from '../../core/base/option-checks.js'
import { checkOptions } from '../../core/base/options.js'
import { Patience, type SuiteOptions, suiteChecks } from '../suite.js'
import { answerTests } from './answer-tests.js'
import type { ExecutorFeature } from './behaviour.js'
import { executorClosingTests } from './closing-tests.js'
import { contextTests } from './context-tests.js'
import { errorTests } from './error-tests.js'
import { outputTests } from './output-tests.js'
import { stoppingTests } from './stopping-tests.js'
import { streamingTests } from './streaming-tests.js'
import { type ExecutorTest, ExecutorTrial, type ExecutorUnderTest } from './trial.js'
import { workerTests } from './worker-tests.js'

export interface ExecutorConformanceOptions extends SuiteOptions {
  /** Makes an executor for one test. */
  factory(): ExecutorUnderTest | Promise<ExecutorUnderTest>
  /**
   * Features that this executor or its language does not have: their tests are left out. Naming a feature that it has
   * is an error.
   * @default none
   */
  readonly without?: readonly ExecutorFeature[] | undefined
  /** The longest wait for anything that must happen, in milliseconds. @default 10,000 */
  readonly waitMs?: number | undefined
}

const TESTS: readonly ExecutorTest[] = [
  ...answerTests,
  ...contextTests,
  ...errorTests,
  ...outputTests,
  ...workerTests,
  ...stoppingTests,
  ...streamingTests,
  ...executorClosingTests,
]

const FEATURES: readonly string[] = [...new Set(TESTS.flatMap(({ needs = [] }) => needs))]

/** Time for a test of a feature that is named as absent: it should fail, often by waiting. */
const ABSENT_WAIT_MS = 1_000

/**
 * Registers a test for every promise of `Executor`. The functions to run are JavaScript modules of this package; for
 * another language the factory provides its own.
 *
 * ```ts
 * import { test } from 'node:test'
 * executorConformance({ test, factory: () => ({ executor: myExecutor() }) })
 * ```
 * @throws TetherError `INVALID_OPTION`
 */
export function executorConformance(options: ExecutorConformanceOptions): void {
  const {
    test,
    factory,
    without = [],
    waitMs = 10_000,
    clock = systemClock,
  } = checkOptions<ExecutorConformanceOptions>('executorConformance', options, {
    ...suiteChecks,
    without: listOf('a list of features', oneOf(...FEATURES)),
  })
  const briefly = new Patience(clock, ABSENT_WAIT_MS)
  const runTest = async ({ run }: ExecutorTest, patience: Patience) => {
    const trial = await ExecutorTrial.start(await factory(), patience)
    try {
      await run(trial)
    } finally {
      await trial.end()
    }
  }
  for (const one of TESTS) {
    const leftOut = one.needs?.some((feature) => without.includes(feature)) ?? false
    if (!leftOut) test(one.name, () => runTest(one, new Patience(clock, waitMs)))
  }
  for (const feature of without) {
    test(`'${feature}', named in 'without', is not supported`, async () => {
      const tests = TESTS.filter(({ needs }) => needs?.includes(feature))
      for (const one of tests) {
        const failed = await runTest(one, briefly).then(
          () => false,
          () => true,
        )
        if (failed) return
      }
      assert.fail(`'${feature}' is in \`without\`, and all of its tests pass.`)
    })
  }
}
