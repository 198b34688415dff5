import { TetherError } from '../../src/core/base/errors.js'
import type { Executor, Outcome, Task } from '../../src/core/contracts/executor.js'
import { type ExecutorMutant, mutated, otherError } from './executor-mutation.js'

const TIME_OUT = "when the time is up the outcome is Lambda's own error, and not before"
const WAITING_STOPS = 'code that waits when the time is up is stopped, and its environment answers again'
const LOOPING_STOPS =
  'code that never yields is stopped when the time is up, and its environment answers again'
const NO_TIME = 'with no time left nothing runs'
const QUEUED_TIME = 'waiting for the environment takes of the time, and disturbs nobody'
const ABORT_REJECTS = 'an abort rejects with ABORTED and the reason'
const ABORT_STOPS = 'an abort stops the code, and its environment answers again'
const ABORTED_BEFORE = 'what is aborted before it starts does not run'
const ABORTED_QUEUED = 'what is aborted while it waits does not run, and disturbs nobody'

const HOUR_MS = 3_600_000

/** Executors that stop code too early, too late, or not at all, when its time is up or its caller gives up. */
export const stoppingMutants: readonly ExecutorMutant[] = [
  {
    name: 'has an error of its own for used-up time',
    caughtBy: [TIME_OUT],
    because: /TimeoutError/,
    make: () =>
      mutated({
        outcome: otherError(({ errorType }) =>
          errorType === 'Sandbox.Timedout' ? { errorType: 'TimeoutError' } : {},
        ),
      }),
  },
  {
    name: 'ends the time early',
    caughtBy: [TIME_OUT],
    because: /timed out after 1\.1|time was not up/,
    make: () => mutated({ task: (task) => ({ ...task, deadline: task.deadline - 350 }) }),
  },
  {
    name: 'leaves code running when its time is up',
    caughtBy: [WAITING_STOPS, LOOPING_STOPS],
    because: /was not stopped within/,
    make: leavingRunning,
  },
  {
    name: 'runs what has no time left',
    caughtBy: [NO_TIME],
    because: /no outcome within/,
    make: () =>
      mutated({
        task: (task) => ({ ...task, deadline: Math.max(task.deadline, Date.now() + HOUR_MS) }),
      }),
  },
  {
    name: 'counts the time from when the environment is free',
    caughtBy: [QUEUED_TIME],
    because: /no outcome within/,
    make: () => mutated({ parts: countingLater }),
  },
  {
    name: 'runs what timed out, or was aborted, while it waited',
    caughtBy: [QUEUED_TIME, ABORTED_QUEUED],
    because: /had no outcome within/,
    make: runningAllTheSame,
  },
  {
    name: 'rejects with whatever the reason is',
    caughtBy: [ABORT_REJECTS],
    because: /no TetherError but Error: enough/,
    make: () =>
      mutated({
        parts: (inner) => ({
          execute: (task, options) =>
            inner.execute(task, options).catch((error) => {
              throw options?.signal?.aborted ? options.signal.reason : error
            }),
        }),
      }),
  },
  {
    name: 'forgets the reason of an abort',
    caughtBy: [ABORT_REJECTS],
    because: /enough/,
    make: () =>
      mutated({
        parts: (inner) => ({
          execute: (task, options) =>
            inner.execute(task, options).catch((error) => {
              throw error instanceof TetherError ? new TetherError(error.code, error.message) : error
            }),
        }),
      }),
  },
  {
    name: 'gives up at an abort, and lets the code run',
    caughtBy: [ABORT_STOPS],
    because: /was not stopped within/,
    make: leavingRunning,
  },
  {
    name: 'looks at no signal',
    caughtBy: [ABORTED_BEFORE, ABORT_REJECTS],
    because: /did not settle within/,
    make: () => mutated({ parts: (inner) => ({ execute: (task) => inner.execute(task) }) }),
  },
  {
    name: 'looks at the signal when the code runs',
    caughtBy: [ABORTED_BEFORE],
    because: /had no outcome within/,
    make: () =>
      mutated({
        parts: (inner) => ({
          async execute(task, { signal } = {}) {
            if (!signal?.aborted) return inner.execute(task, signal ? { signal } : {})
            void inner.execute(task)
            throw new TetherError('ABORTED', 'aborted')
          },
        }),
      }),
  },
  {
    name: 'aborts a whole environment',
    caughtBy: [ABORTED_QUEUED],
    because: /aborted by its signal/,
    make: () => mutated({ parts: abortingAll }),
  },
]

/** Ends invocations in time, and not the code. */
function leavingRunning() {
  const ends = new AbortController()
  const { executor, close } = mutated({
    parts: (inner) => ({
      execute(task, { signal } = {}) {
        const running = inner.execute({ ...task, deadline: Date.now() + HOUR_MS }, { signal: ends.signal })
        return Promise.race([running, timeUp(task), aborted(signal)])
      },
      close: async () => {
        ends.abort()
        await inner.close()
      },
    }),
  })
  return { executor, ...(close && { close }) }
}

function timeUp({ deadline }: Task): Promise<Outcome> {
  const timeLimitMs = deadline - Date.now()
  const message = `Task timed out after ${(timeLimitMs / 1000).toFixed(2)} seconds`
  const errorMessage = `RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: ${message}`
  const error = { errorType: 'Sandbox.Timedout', errorMessage, trace: [] }
  return new Promise((resolve) => {
    setTimeout(() => resolve({ kind: 'error', error }), timeLimitMs).unref()
  })
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new TetherError('ABORTED', 'aborted')))
  })
}

/** One after the other; the time of each begins when it does. */
function countingLater(inner: Executor): Partial<Executor> {
  let last: Promise<unknown> = Promise.resolve()
  return {
    execute(task, options) {
      const timeLimitMs = task.deadline - Date.now()
      const outcome = last.then(() => inner.execute({ ...task, deadline: Date.now() + timeLimitMs }, options))
      last = outcome.catch(() => {})
      return outcome
    },
  }
}

/** Tells in time that an invocation is over, and runs it when its turn comes. */
function runningAllTheSame() {
  return mutated({
    parts(inner) {
      let last: Promise<unknown> = Promise.resolve()
      const ends = new AbortController()
      return {
        execute(task, { signal } = {}) {
          const running = last.then(() =>
            inner.execute({ ...task, deadline: Date.now() + HOUR_MS }, { signal: ends.signal }),
          )
          last = running.catch(() => {})
          return Promise.race([running, timeUp(task), aborted(signal)])
        },
        async close() {
          ends.abort()
          await inner.close()
        },
      }
    },
  })
}

/** An abort of one is an abort of all. */
function abortingAll(inner: Executor): Partial<Executor> {
  const all = new AbortController()
  return {
    execute(task, { signal } = {}) {
      signal?.addEventListener('abort', () => all.abort(signal.reason))
      return inner.execute(task, { signal: all.signal })
    },
  }
}
