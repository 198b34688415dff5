import { type ExecutorConformanceOptions, executorConformance } from '../../src/testing/index.js'

/** Several times what any test of a correct executor waits, also on a machine with much to do. */
const WAIT_MS = 5_000

/** The executor suite's tests by name, not run. */
export function executorTests(
  factory: ExecutorConformanceOptions['factory'],
  without: ExecutorConformanceOptions['without'] = [],
): ReadonlyMap<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>()
  executorConformance({
    test: (name, run) => tests.set(name, run),
    factory,
    without,
    waitMs: WAIT_MS,
  })
  return tests
}

/** The names of the tests, not run. */
export function executorTestNames(): string[] {
  const factory = () => {
    throw new Error('The tests are listed here, not run.')
  }
  return [...executorTests(factory).keys()]
}
