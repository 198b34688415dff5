import type { ResourceLimits } from 'node:worker_threads'
import { type Clock, systemClock } from '../core/clock.js'
import { TetherError } from '../core/errors.js'
import type { Executor, Task } from '../core/executor.js'
import { localEnvironment } from './local-environment.js'
import { Thread } from './thread.js'
import { type LocalWorker, WorkerPool } from './worker-pool.js'

export interface WorkerThreadsOptions {
  /**
   * Which of the host's environment variables local code sees beside `PATH` and `HOME`. A variable that the
   * function has itself keeps the function's value.
   * @default none
   */
  inheritEnv?: readonly string[]
  /**
   * How many threads may live at once. Further execution environments take the place of the one idle longest,
   * or wait until one is idle.
   * @default no limit
   */
  maxWorkers?: number
  /** How long a thread lives without an invocation. @default 900,000 (15 minutes) */
  idleMs?: number
  /**
   * Limits of each thread, as `node:worker_threads` takes them. V8 ends the whole process when one allocation
   * is far over the heap's limit; what grows step by step ends its thread only.
   * @default Node's own
   */
  resourceLimits?: ResourceLimits
  /** @default the machine's clock */
  clock?: Clock
}

const DEFAULT_IDLE_MS = 15 * 60_000

/**
 * Runs local code in worker threads, one for each remote execution environment, so that a module's state lives
 * as long as it does on Lambda. A thread sees the function's environment and nothing of the host's but what is
 * allowed; code that exits, crashes or never yields ends its thread, not the host.
 *
 * What a thread cannot have of its own is the host's: working directory, time zone, and what is written past
 * `process.stdout` straight to file descriptor 1.
 * @throws TetherError `INVALID_OPTION`
 */
export function workerThreads(options: WorkerThreadsOptions = {}): Executor {
  const {
    inheritEnv = [],
    maxWorkers = Infinity,
    idleMs = DEFAULT_IDLE_MS,
    resourceLimits,
  } = checked(options)
  const clock = options.clock ?? systemClock
  const environmentOf = (task: Task) => localEnvironment(task.env, inheritEnv, process.env)
  const deadlineOf = (task: Task) => task.deadline - clock.now() + Date.now()

  const start = (task: Task): LocalWorker => {
    if (task.build.kind !== 'file') throw unsupported(task)
    const threadOptions = { environmentOf, deadlineOf, ...(resourceLimits ? { resourceLimits } : {}) }
    return new Thread(task, task.build.path, task.build.exportName, threadOptions)
  }
  const pool = new WorkerPool({ start, maxWorkers, idleMs, clock })
  return {
    name: 'worker-threads',
    execute: (task, abort) => pool.execute(task, abort),
    reload: async (functionId) => pool.reload(functionId),
    close: () => pool.close(),
    [Symbol.asyncDispose]: () => pool.close(),
  }
}

function unsupported(task: Task): TetherError {
  return new TetherError(
    'UNSUPPORTED',
    `Worker threads run modules on disk, and function '${task.functionId}' is a handler of this process. Serve it inline, or give a path.`,
  )
}

function checked(options: WorkerThreadsOptions): WorkerThreadsOptions {
  const known = ['inheritEnv', 'maxWorkers', 'idleMs', 'resourceLimits', 'clock']
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw invalid(name, `is no option of workerThreads(); those are ${known.join(', ')}`)
  }
  const { inheritEnv, maxWorkers, idleMs, resourceLimits } = options
  if (
    inheritEnv !== undefined &&
    !(Array.isArray(inheritEnv) && inheritEnv.every((name) => typeof name === 'string'))
  ) {
    throw invalid('inheritEnv', 'must be a list of the names of environment variables')
  }
  if (
    maxWorkers !== undefined &&
    !(maxWorkers === Infinity || (Number.isInteger(maxWorkers) && maxWorkers >= 1))
  ) {
    throw invalid('maxWorkers', `must be a whole number from 1, not ${maxWorkers}`)
  }
  if (idleMs !== undefined && !(typeof idleMs === 'number' && idleMs > 0)) {
    throw invalid('idleMs', `must be a number of milliseconds over 0, not ${idleMs}`)
  }
  if (resourceLimits !== undefined && (typeof resourceLimits !== 'object' || resourceLimits === null)) {
    throw invalid('resourceLimits', 'must be an object such as { maxOldGenerationSizeMb: 128 }')
  }
  return options
}

function invalid(name: string, problem: string): TetherError {
  return new TetherError('INVALID_OPTION', `'${name}' ${problem}.`)
}
