import { TetherError } from '../../src/core/base/errors.js'
import type { FunctionBuild } from '../../src/core/contracts/function-source.js'
import { type ExecutorMutant, firstOf, mutated, wrongHandlers } from './executor-mutation.js'

const MIB = 1024 * 1024

/** Executors that hand over events, or take answers, in a wrong way. */
export const answerMutants: readonly ExecutorMutant[] = [
  {
    name: 'takes responses for Latin-1',
    caughtBy: ['the response is what the function returns'],
    because: /deep-equal/,
    make: () =>
      mutated({
        outcome: (outcome) =>
          outcome.kind === 'value'
            ? { kind: 'value', body: Buffer.from(Buffer.from(outcome.body).toString('latin1')) }
            : outcome,
      }),
  },
  {
    name: 'takes 1 MiB at most',
    caughtBy: ['6 MiB in and 6 MiB out'],
    because: /too much/,
    make: () =>
      mutated({
        task(task) {
          if (task.event.byteLength > MIB) throw new TetherError('TOO_LARGE', 'too much')
          return task
        },
      }),
  },
  {
    name: 'gives 1 MiB at most',
    caughtBy: ['6 MiB in and 6 MiB out'],
    because: /encoded data/,
    make: () =>
      mutated({
        outcome: (outcome) =>
          outcome.kind === 'value' ? { kind: 'value', body: outcome.body.subarray(0, MIB) } : outcome,
      }),
  },
  {
    name: 'moves the event into the worker',
    caughtBy: ["the event stays the caller's"],
    because: /bytes of the event have changed/,
    make: () =>
      mutated({
        task(task) {
          const event = Uint8Array.from(task.event)
          structuredClone(task.event.buffer, { transfer: [task.event.buffer as ArrayBuffer] })
          return { ...task, event }
        },
      }),
  },
  {
    name: 'keeps the first build of a function',
    caughtBy: ['another build of a function is what its next invocation runs'],
    because: /deep-equal/,
    make() {
      const first = firstOf<FunctionBuild>()
      return mutated({ task: (task) => ({ ...task, build: first(task.functionId, task.build) }) })
    },
  },
  {
    name: 'takes no answer from a handler that is not async',
    caughtBy: ['a handler that is not async answers with what it returns'],
    because: /deep-equal/,
    make: () => wrongHandlers('export const plain = (event) => void original.plain(event)'),
  },
  {
    name: 'gives handlers no callback',
    caughtBy: ['a callback answers, or fails'],
    because: /end is not a function/,
    make: () =>
      wrongHandlers('export const callback = (event, context) => original.callback(event, context)'),
  },
  {
    name: 'gives a context without methods',
    caughtBy: ['context.succeed, done and fail end the invocation'],
    because: /succeed is not a function/,
    make: () =>
      wrongHandlers(`export const method = (event, context) =>
        original.method(event, JSON.parse(JSON.stringify(context)))`),
  },
  {
    name: 'waits for no event loop',
    caughtBy: ["a callback's answer waits for an empty event loop, unless told not to"],
    because: /deep-equal/,
    make: () =>
      wrongHandlers(`export const late = (event, context, callback) =>
        original.late({ waits: false }, context, callback)`),
  },
  {
    name: 'always waits for an empty event loop',
    caughtBy: ["a callback's answer waits for an empty event loop, unless told not to"],
    because: /deep-equal/,
    make: () =>
      wrongHandlers(`export const late = (event, context, callback) =>
        original.late({ waits: true }, context, callback)`),
  },
]
