import { describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/core/base/clock.js'
import type { childProcesses } from '../../src/executors/child-process.js'
import type { inline } from '../../src/executors/inline.js'
import type { workerThreads } from '../../src/executors/worker-thread.js'
import { type ExecutorConformanceOptions, executorConformance } from '../../src/testing/index.js'
import { inlineSubject, nodeSubject, SMALL_HEAP } from '../testing/executor-subjects.js'
import { executorMutants, UNDECLARED } from './executor-mutants.js'
import { bundled, type Mutant, patched, type SuiteTests, testSuite } from './mutation.js'

type Factory = ExecutorConformanceOptions['factory']

/** For mutants that fail by a wait: several times what any test of a correct executor waits, also on a busy machine. */
const SHORT_WAIT_MS = 5_000
/** For the others, whose tests end no wait. */
const LONG_WAIT_MS = 15_000

/** For tests of a correct executor, on a machine of any speed: no wait ends. */
const patient: Clock = { ...systemClock, schedule: () => () => {} }

function executorTests(factory: Factory, options: Partial<ExecutorConformanceOptions>): SuiteTests {
  const tests: SuiteTests = new Map()
  executorConformance({ test: (name, run) => tests.set(name, run), factory, ...options })
  return tests
}

/** Makes the executor whose file the mutant patches. */
async function factoryOf(mutant: Mutant): Promise<Factory> {
  const [file] = mutant
  if (file === 'src/executors/inline.ts') {
    const module = await patched<{ inline: typeof inline }>(file, mutant)
    return async () => ({ ...(await inlineSubject.factory()), executor: module.inline() })
  }
  if (file.startsWith('src/executors/process/')) {
    const entry = 'src/executors/child-process.ts'
    const module = await patched<{ childProcesses: typeof childProcesses }>(entry, mutant)
    return async () => ({ ...(await nodeSubject.factory()), executor: module.childProcesses({ spares: 0 }) })
  }
  const module = await patched<{ workerThreads: typeof workerThreads }>(
    'src/executors/worker-thread.ts',
    file.startsWith('src/executors/entry/') ? await running(mutant) : mutant,
  )
  // No test needs a spare, and each is a thread that starts.
  return () => ({ executor: module.workerThreads({ resourceLimits: SMALL_HEAP, spares: 0 }) })
}

/** Has threads run their entry with this mutant. */
async function running(mutant: Mutant): Promise<Mutant> {
  const code = await bundled('esm', 'src/executors/entry/worker-thread.ts', mutant)
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
  return ['src/executors/thread/thread.ts', "runFile('worker-thread')", `new URL('${url}')`]
}

testSuite('the executor suite', executorMutants, async (mutant) => {
  const [, , , because] = mutant
  const waitMs = because?.source.includes('within') ? SHORT_WAIT_MS : LONG_WAIT_MS
  return executorTests(await factoryOf(mutant), { waitMs })
})

describe.concurrent('features that are said to be absent', () => {
  const leftOut = (factory: Factory, feature: 'cause' | 'exit' | 'stop' | 'children') =>
    executorTests(factory, { clock: patient, without: [feature] }).get(
      `'${feature}', named in 'without', is not supported`,
    )?.()

  test('are found', async () => {
    await expect(leftOut(inlineSubject.factory, 'cause')).rejects.toThrow(/all of its tests pass/)
    await expect(leftOut(nodeSubject.factory, 'children')).rejects.toThrow(/all of its tests pass/)
  })

  test('have no other tests', () => {
    const tests = executorTests(inlineSubject.factory, { without: ['cause'] })
    expect(tests.has('an error includes its cause')).toBe(false)
  })

  test('are not tried on the event loop of the test runner, which they would end', async () => {
    await leftOut(inlineSubject.factory, 'exit')
    await leftOut(inlineSubject.factory, 'stop')
  })
})

const undeclared = factoryOf(UNDECLARED)

test.each([
  'an exit while the module loads is an error at once',
  'an exit is an error at once, with the exit code',
  'an exit with code 0 is an error, too',
  'an environment works again after its code exited between invocations',
  'an unhandled rejection is an error at once',
  'an uncaught error is an error at once',
  'running out of memory is an error, and not a timeout',
  'code that never yields is stopped at the deadline, and its environment works again',
  'code that never yields does not block other environments',
])('an undeclared shared event loop is an error, not the end of the test runner: %s', async (name) => {
  const run = executorTests(await undeclared, { clock: patient }).get(name)
  await expect(run?.()).rejects.toThrow(
    /on the event loop of the test runner.*`sharesEventLoop: true`.*`without`/s,
  )
})
