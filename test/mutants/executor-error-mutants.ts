import type { LogEntry } from '../../src/core/contracts/executor.js'
import { bareThreads } from './bare-threads.js'
import { type ExecutorMutant, mutated, otherError, silentAbout, wrongHandlers } from './executor-mutation.js'

const THROWN = 'an error has its type, its message and where it was thrown'
const EXIT_AT_START = 'a function that exits while it starts is an error at once'
const EXIT = 'code that exits is answered at once, with its exit code'
const EXIT_ZERO = 'code that exits with 0 has not answered either'
const EXIT_LATER = 'an environment whose code exited after its answer answers again'
const REJECTION = 'a rejection that nobody handles is answered at once'
const UNCAUGHT = 'an error that nobody can catch is answered at once'
const CANNOT_START = 'a function that cannot start is an error, each time'
const KEEPS_STATE = 'a function that failed keeps its state'

/** Executors that lose what went wrong, or its details. */
export const errorMutants: readonly ExecutorMutant[] = [
  {
    name: 'calls every error Error',
    caughtBy: [THROWN],
    because: /'Error'/,
    make: () => mutated({ outcome: otherError(() => ({ errorType: 'Error' })) }),
  },
  {
    name: 'loses the stack',
    caughtBy: [THROWN],
    because: /no 'failOnPurpose'/,
    make: () => mutated({ outcome: otherError(() => ({ trace: [] })) }),
  },
  {
    name: 'keeps the ASCII of a message',
    caughtBy: [THROWN],
    because: /no order for \?\?/,
    make: () =>
      mutated({
        outcome: otherError(({ errorMessage }) => ({
          errorMessage: errorMessage.replace(/[^\p{ASCII}]/gu, '?'),
        })),
      }),
  },
  {
    name: 'forgets causes',
    caughtBy: ["an error's cause comes with it"],
    because: /ConformanceCause/,
    make: () => mutated({ outcome: otherError(() => ({ cause: undefined })) }),
  },
  {
    name: 'makes an error of whatever is thrown',
    caughtBy: ['what is thrown need not be an error'],
    because: /deep-equal/,
    make: () =>
      wrongHandlers(`const wrapped = (event) => original['throw-value'](event).catch((thrown) => {
          throw thrown instanceof Error ? thrown : new Error(String(thrown))
        })
        export { wrapped as 'throw-value' }`),
  },
  {
    name: 'starts anew after every error',
    caughtBy: [KEEPS_STATE],
    because: /1 !== 3/,
    make: () =>
      mutated({
        parts: (inner) => ({
          async execute(task, options) {
            const outcome = await inner.execute(task, options)
            if (outcome.kind === 'error') await inner.reload(task.functionId)
            return outcome
          },
        }),
      }),
  },
  {
    name: 'does not run again what could not start',
    caughtBy: [CANNOT_START],
    because: /no error but null/,
    make() {
      const failed = new Set<string>()
      return mutated({
        parts: (inner) => ({
          async execute(task, options) {
            if (failed.has(task.environmentId)) return { kind: 'value', body: Buffer.from('null') }
            const outcome = await inner.execute(task, options)
            if (outcome.kind === 'error') failed.add(task.environmentId)
            return outcome
          },
        }),
      })
    },
  },
  {
    name: 'rejects where local code fails',
    caughtBy: [CANNOT_START, THROWN, KEEPS_STATE],
    because: /local code failed/,
    make: () =>
      mutated({
        outcome(outcome) {
          if (outcome.kind === 'error') throw new Error('local code failed')
          return outcome
        },
      }),
  },
  {
    name: 'keeps the lines of those that answer only',
    caughtBy: ['what a function writes before it fails to start can be read'],
    because: /Neither a line nor the message/,
    make: () =>
      mutated({
        parts: (inner) => ({
          async execute(task, options) {
            const lines: LogEntry[] = []
            const onLog = (entry: LogEntry) => void lines.push(entry)
            const outcome = await inner.execute({ ...task, onLog }, options)
            if (outcome.kind !== 'error') for (const line of lines) task.onLog(line)
            return outcome
          },
        }),
      }),
  },
  {
    name: 'notices no exit before the time is up',
    caughtBy: [EXIT_AT_START, EXIT, EXIT_ZERO],
    because: /no outcome within/,
    make: () => mutated({ outcome: silentAbout('Runtime.ExitError') }),
  },
  {
    name: 'says no exit code',
    caughtBy: [EXIT_AT_START, EXIT],
    because: /code unknown/,
    make: () =>
      mutated({
        outcome: otherError(({ errorMessage }) => ({
          errorMessage: errorMessage.replace(/code \d+/, 'code unknown'),
        })),
      }),
  },
  {
    name: 'takes an exit with 0 for an answer',
    caughtBy: [EXIT_ZERO],
    because: /no error but null/,
    make: () =>
      mutated({
        outcome: (outcome) =>
          outcome.kind === 'error' && outcome.error.errorMessage.includes('code 0')
            ? { kind: 'value', body: Buffer.from('null') }
            : outcome,
      }),
  },
  {
    name: 'keeps a dead worker',
    caughtBy: [EXIT_LATER, EXIT],
    because: /(did not run|no outcome) within/,
    make: () => ({ executor: bareThreads() }),
  },
  {
    name: 'tells a rejection that nobody handled by its reason alone',
    caughtBy: [REJECTION],
    because: /ConformanceError/,
    make: () =>
      mutated({
        outcome: otherError(({ errorType, cause }) =>
          errorType === 'Runtime.UnhandledPromiseRejection' ? { ...cause } : {},
        ),
      }),
  },
  {
    name: 'notices nothing that nobody caught',
    caughtBy: [REJECTION, UNCAUGHT],
    because: /no outcome within/,
    make: () =>
      wrongHandlers(`process.removeAllListeners('uncaughtException')
        process.removeAllListeners('unhandledRejection')
        process.setUncaughtExceptionCaptureCallback?.(() => {})
        process.on('unhandledRejection', () => {})`),
  },
  {
    name: 'tells an error that nobody caught as an exit',
    caughtBy: [UNCAUGHT],
    because: /Runtime\.ExitError/,
    make: () =>
      mutated({
        outcome: otherError(({ errorMessage }) =>
          errorMessage === 'loose' ? { errorType: 'Runtime.ExitError' } : {},
        ),
      }),
  },
  {
    name: 'takes used-up memory for used-up time',
    caughtBy: ['code that runs out of memory is an error, and not one of time'],
    because: /Sandbox\.Timedout/,
    make: () =>
      mutated({
        outcome: otherError(({ errorType }) =>
          errorType === 'Runtime.OutOfMemory' ? { errorType: 'Sandbox.Timedout' } : {},
        ),
      }),
  },
]
