import type { Executor } from '../../src/core/contracts/executor.js'
import type { ExecutorUnderTest } from '../../src/testing/index.js'
import { inlineSubject } from '../testing/executor-subjects.js'
import { type ExecutorMutant, mutated } from './executor-mutation.js'

const SHARES = '`sharesEventLoop` says whether functions run on the event loop of their host'
const STATE = 'module state lives as long as its execution environment, and is nobody else’s'
const AT_ONCE = 'several environments run at once'
const ONE_BY_ONE = 'an environment runs one invocation at a time'
const FREE = 'code that never yields holds up nobody else'
const ANEW = 'after a reload the next invocation starts anew'
const FINISHES = 'what runs during a reload finishes, and what comes after it starts anew'
const OTHERS = "a reload leaves other functions' workers alone"

/** Executors whose workers are not where they should be. */
export const workerMutants: readonly ExecutorMutant[] = [
  {
    name: 'shares the event loop and does not say so',
    caughtBy: [SHARES],
    because: /`sharesEventLoop` is false/,
    make: unsaid,
  },
  {
    name: 'says that it shares the event loop, and has threads',
    caughtBy: [SHARES],
    because: /`sharesEventLoop` is true/,
    make: () => mutated({ parts: () => ({ sharesEventLoop: true }) }),
  },
  {
    name: 'starts a worker for each invocation',
    caughtBy: [STATE, ONE_BY_ONE],
    because: /deep-equal|ran beside the first/,
    make() {
      let invocations = 0
      return mutated({ task: (task) => ({ ...task, environmentId: `${++invocations}` }) })
    },
  },
  {
    name: 'has one worker for all environments',
    caughtBy: [STATE, AT_ONCE, FREE],
    because: /deep-equal|within/,
    make: () => mutated({ task: (task) => ({ ...task, environmentId: 'all' }) }),
  },
  {
    name: 'does not reload',
    caughtBy: [ANEW, FINISHES, OTHERS],
    because: /deep-equal|3 !== 1|lives on/,
    make: () => mutated({ parts: () => ({ async reload() {} }) }),
  },
  {
    name: 'stops what runs for a reload',
    caughtBy: [FINISHES],
    because: /aborted by its signal/,
    make: () => mutated({ parts: stoppingAtReload }),
  },
  {
    name: 'reloads every function',
    caughtBy: [OTHERS],
    because: /deep-equal/,
    make() {
      const functions = new Set<string>()
      return mutated({
        task(task) {
          functions.add(task.functionId)
          return task
        },
        parts: (inner) => ({
          async reload() {
            await Promise.all([...functions].map((functionId) => inner.reload(functionId)))
          },
        }),
      })
    },
  },
]

/** Handlers of this process, in an executor that does not say so. */
export async function unsaid(): Promise<ExecutorUnderTest> {
  const subject = await inlineSubject.factory()
  const { executor } = subject
  return {
    ...subject,
    executor: {
      name: 'inline in secret',
      execute: (task, options) => executor.execute(task, options),
      reload: (functionId) => executor.reload(functionId),
      close: () => executor.close(),
      [Symbol.asyncDispose]: () => executor.close(),
    },
  }
}

function stoppingAtReload(inner: Executor): Partial<Executor> {
  let stop = new AbortController()
  return {
    async execute(task, { signal } = {}) {
      const reload = stop.signal
      return inner.execute(task, { signal: signal ? AbortSignal.any([signal, reload]) : reload })
    },
    async reload(functionId) {
      stop.abort()
      stop = new AbortController()
      await inner.reload(functionId)
    },
  }
}
