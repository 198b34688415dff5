import type { Task } from '../../src/core/contracts/executor.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import { type ExecutorMutant, firstOf, mutated, wrongHandlers } from './executor-mutation.js'

const FIELDS = 'the context has every field of the invocation, and none of the one before'
const REMAINING = "the remaining time is the deadline's, and counts down"
const GUARD = 'variables that make code run are left out, and PATH and HOME are the machine’s'
const ENVIRONMENT = 'the environment is the one given, with PATH and HOME, already while the module is loaded'

/** Executors that tell local code something wrong about itself. */
export const contextMutants: readonly ExecutorMutant[] = [
  {
    name: 'keeps the context of the first invocation',
    caughtBy: [FIELDS],
    because: /deep-equal/,
    make() {
      const first = firstOf<Task['context']>()
      return mutated({ task: (task) => ({ ...task, context: first(task.environmentId, task.context) }) })
    },
  },
  {
    name: 'forgets the client context',
    caughtBy: [FIELDS],
    because: /custom/,
    make: () =>
      mutated({
        task: (task) => ({ ...task, context: { ...task.context, clientContext: undefined } }),
      }),
  },
  {
    name: "keeps the first invocation's trace id",
    caughtBy: ["the trace id is each invocation's own"],
    because: /Root=1-/,
    make() {
      const first = firstOf<string | undefined>()
      return mutated({
        task(task) {
          const traceId = first(task.environmentId, task.context.traceId)
          return { ...task, context: { ...task.context, ...(traceId !== undefined && { traceId }) } }
        },
      })
    },
  },
  {
    name: 'says the same remaining time each time',
    caughtBy: [REMAINING],
    because: /ms were left/,
    make: () =>
      wrongHandlers(`export const remaining = (event, context) => {
        const left = context.getRemainingTimeInMillis()
        return original.remaining(event, { getRemainingTimeInMillis: () => left })
      }`),
  },
  {
    name: 'gives every function 60 s',
    caughtBy: [REMAINING],
    because: /ms were left of 900000/,
    make: () => mutated({ task: (task) => ({ ...task, deadline: Date.now() + 60_000 }) }),
  },
  {
    name: "lets the host's environment in",
    caughtBy: [ENVIRONMENT],
    because: /deep-equal/,
    make: () => ({ executor: workerThreads({ inheritEnv: Object.keys(process.env) }) }),
  },
  {
    name: 'drops variables without a value',
    caughtBy: [ENVIRONMENT],
    because: /deep-equal/,
    make: () =>
      mutated({
        task: (task) => ({
          ...task,
          env: Object.fromEntries(Object.entries(task.env).filter(([, value]) => value !== '')),
        }),
      }),
  },
  {
    name: 'sets the variables when the module is there',
    caughtBy: [ENVIRONMENT],
    because: /loaded in another environment/,
    make: () =>
      wrongHandlers(
        `export const environment = (event) => {
          const { LATER, ...others } = process.env
          for (const name of Object.keys(process.env)) delete process.env[name]
          Object.assign(process.env, others, JSON.parse(LATER))
          return original.environment(event)
        }`,
        (task) => ({ ...task, env: { LATER: JSON.stringify(task.env) } }),
      ),
  },
  {
    name: "prefers the function's PATH",
    caughtBy: [GUARD],
    because: /deep-equal/,
    make: () => ({ executor: workerThreads({ allowEnv: ['PATH'] }) }),
  },
  {
    name: 'lets variables through by which code runs',
    caughtBy: [GUARD],
    because: /They reached the function/,
    make: () => ({ executor: workerThreads({ allowEnv: ['NODE_PATH', 'BASH_ENV'] }) }),
  },
  {
    name: "keeps an environment's first variables",
    caughtBy: ['an invocation sees the variables that came with it'],
    because: /deep-equal/,
    make() {
      const first = firstOf<Task['env']>()
      return mutated({ task: (task) => ({ ...task, env: first(task.environmentId, task.env) }) })
    },
  },
  {
    name: 'adds variables and takes none away',
    caughtBy: ['an invocation sees the variables that came with it'],
    because: /deep-equal/,
    make() {
      let all: Task['env'] = {}
      return mutated({
        task(task) {
          all = { ...all, ...task.env }
          return { ...task, env: all }
        },
      })
    },
  },
  {
    name: 'starts anew for new variables',
    caughtBy: ['new credentials reach a worker that lives on'],
    because: /deep-equal/,
    make() {
      let known: string | undefined
      return mutated({
        parts: (inner) => ({
          async execute(task, options) {
            const env = JSON.stringify(task.env)
            if (known !== env) await inner.reload(task.functionId)
            known = env
            return inner.execute(task, options)
          },
        }),
      })
    },
  },
]
