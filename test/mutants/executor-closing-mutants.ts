import { workerThreads } from '../../src/executors/worker-thread.js'
import { type ExecutorMutant, mutated } from './executor-mutation.js'

const CLOSE_DRAINS = 'close() lets what runs finish and refuses what comes'
const CLOSE_LATER = 'close() resolves after what runs'
const CLOSE_TWICE = 'close() may be called twice, and await using closes'
const DISPOSE_STOPS = 'await using leaves nothing running'
const CLOSE_STOPS = 'close() leaves nothing running'
const CHILDREN = 'no process that the code started outlives it'

/** Executors that close too early, too often or not really. */
export const closingMutants: readonly ExecutorMutant[] = [
  {
    name: 'stops what runs at close()',
    caughtBy: [CLOSE_DRAINS],
    because: /aborted by its signal/,
    make: () =>
      mutated({
        parts(inner) {
          const stop = new AbortController()
          return {
            execute: (task) => inner.execute(task, { signal: stop.signal }),
            close() {
              const closed = inner.close()
              stop.abort()
              return closed
            },
          }
        },
      }),
  },
  {
    name: 'takes invocations after close()',
    caughtBy: [CLOSE_DRAINS],
    because: /did not settle within/,
    make() {
      const later = workerThreads()
      let closed = false
      const { executor, close } = mutated({
        parts: (inner) => ({
          execute: (task, options) => (closed ? later : inner).execute(task, options),
          close() {
            closed = true
            return inner.close()
          },
        }),
      })
      return {
        executor,
        async close() {
          await Promise.all([later.close(), close?.()])
        },
      }
    },
  },
  {
    name: 'waits for nothing at close()',
    caughtBy: [CLOSE_LATER],
    because: /resolved while an invocation ran/,
    make: () =>
      mutated({
        parts: (inner) => ({
          async close() {
            void inner.close()
          },
        }),
      }),
  },
  {
    name: 'can be closed once',
    caughtBy: [CLOSE_TWICE],
    because: /closed already/,
    make: () =>
      mutated({
        parts(inner) {
          let closed = false
          return {
            async close() {
              if (closed) throw new Error('closed already')
              closed = true
              await inner.close()
            },
          }
        },
      }),
  },
  {
    name: 'disposes of nothing',
    caughtBy: [DISPOSE_STOPS],
    because: /lives on within/,
    make: () => mutated({ parts: () => ({ async [Symbol.asyncDispose]() {} }) }),
  },
  {
    name: 'leaves idle workers at close()',
    caughtBy: [CLOSE_STOPS],
    because: /lives on within/,
    make: () => mutated({ parts: () => ({ async close() {} }) }),
  },
  {
    name: 'leaves alone what the code started',
    caughtBy: [CHILDREN],
    because: /started lives on within/,
    make: () => mutated({}),
  },
]
