import {
  type TransportConformanceOptions,
  type TransportUnderTest,
  transportConformance,
} from '../../src/testing/index.js'
import { ReferenceTransport } from './reference-transport.js'
import { turnClock } from './turns.js'

/** In turns of the event loop: ten times what the slowest test of a correct transport needs. */
const WAIT_TURNS = 2_000

interface SuiteTest {
  readonly name: string
  run(): Promise<void>
}

/** The transport suite's tests, not run. */
export function transportTests(
  factory: TransportConformanceOptions['factory'] = makeReference,
  without: TransportConformanceOptions['without'] = [],
): SuiteTest[] {
  const tests: SuiteTest[] = []
  const test = (name: string, run: () => Promise<void>) => tests.push({ name, run })
  transportConformance({ test, factory, without, clock: turnClock, waitMs: WAIT_TURNS })
  return tests
}

export function makeReference(): TransportUnderTest {
  const transport = new ReferenceTransport()
  return { transport, cut: () => transport.cut(), close: () => transport.cut() }
}

/** The names of the tests that fail, in the suite's order. */
export async function failuresOf(tests: readonly SuiteTest[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(tests.map(({ run }) => run()))
  return tests.filter((_, index) => outcomes[index]!.status === 'rejected').map(({ name }) => name)
}
