import type { ResourceLimits } from 'node:worker_threads'
import { systemClock } from '../core/base/clock.js'
import { type Check, checkOptions, mustBe } from '../core/base/options.js'
import type { Executor, Task } from '../core/contracts/executor.js'
import { ThreadInspector } from './debug/inspector.js'
import { DebugServers } from './debug/servers.js'
import { LocalEnvironment } from './environment/local-environment.js'
import type { LocalWorker, PrewarmedWorker, SpareWorker, WorkerOrigin } from './pool/local-worker.js'
import {
  DEFAULT_IDLE_MS,
  DEFAULT_SPARES,
  defaultMaxWorkers,
  type PoolOptions,
  poolChecks,
} from './pool/options.js'
import { WorkerPool } from './pool/worker-pool.js'
import { runtimeOf } from './runtime-kind.js'
import { Thread, type ThreadOptions } from './thread/thread.js'
import { unsupportedBuild } from './unsupported-build.js'

/** Options of {@link workerThreads}. */
export interface WorkerThreadsOptions extends PoolOptions {
  /**
   * Limits of each thread, as in `node:worker_threads`; `function` derives them from the function's memory size, like
   * Lambda's Node runtime. V8 ends the whole process if a single allocation exceeds the heap's limit by far; gradual
   * growth ends only the thread.
   * @default Node's own
   */
  resourceLimits?: ResourceLimits | 'function' | undefined
}

const LIMITS = [
  'maxOldGenerationSizeMb',
  'maxYoungGenerationSizeMb',
  'codeRangeSizeMb',
  'stackSizeMb',
] as const satisfies readonly (keyof ResourceLimits)[]

/**
 * Runs local code in worker threads, one for each remote execution environment, so that a module's state lives as long
 * as it does on Lambda. A thread sees the function's environment, and only the host's variables that are allowed. Code
 * that exits, crashes or never yields ends its thread, not the host.
 *
 * A thread shares with the host: the working directory, the time zone, and the output of native code and of child
 * processes. Output that `node:fs` writes to file descriptors 1 and 2 is captured.
 * @throws TetherError `INVALID_OPTION`
 */
export function workerThreads(options: WorkerThreadsOptions = {}): Executor {
  const {
    inheritEnv = [],
    allowEnv = [],
    maxWorkers = defaultMaxWorkers(),
    spares = DEFAULT_SPARES,
    idleMs = DEFAULT_IDLE_MS,
    resourceLimits,
  } = checkOptions('workerThreads', options, { ...poolChecks, resourceLimits: checkLimits })
  const clock = options.clock ?? systemClock
  const environment = new LocalEnvironment({ inheritEnv, allowEnv, clock })
  const deadlineOf = (task: Task) => task.deadline - clock.now() + systemClock.now()
  const inspector = new ThreadInspector()

  const threadOptions = (origin?: WorkerOrigin): ThreadOptions => {
    const limits = resourceLimits === 'function' ? lambdaLimits(origin) : resourceLimits
    return { environment, deadlineOf, inspector, ...(limits ? { resourceLimits: limits } : {}) }
  }
  const start = (task: Task): LocalWorker => {
    if (runtimeOf(task.build) !== 'node') throw unsupportedBuild('workerThreads()', task)
    const thread = new Thread(task, threadOptions(task))
    void thread.load(task.build)
    return thread
  }
  const startSpare = (origin: WorkerOrigin): SpareWorker => {
    const { build } = origin
    return new Thread(
      origin,
      threadOptions(origin),
      build.kind === 'file' ? build.dependencies?.path : undefined,
    )
  }
  const startPrewarmed = (functionId: string): PrewarmedWorker => new Thread({ functionId }, threadOptions())
  const pool = new WorkerPool({ start, startSpare, startPrewarmed, spares, maxWorkers, idleMs, clock })
  const debugServers = new DebugServers(options.inspect, (functionId) => pool.debugTargets(functionId))
  const close = async () => {
    await pool.close()
    await debugServers.close()
    await inspector.close()
  }
  return {
    name: 'worker-threads',
    execute: (task, abort) =>
      debugServers.open(task.functionId)?.then(() => pool.execute(task, abort)) ?? pool.execute(task, abort),
    reload: (functionId, build) => pool.reload(functionId, build),
    prewarm: (functionId, build) => {
      // The function's own limits are known only at its first invocation.
      if (runtimeOf(build) === 'node' && resourceLimits !== 'function') pool.prewarm(functionId)
    },
    stats: () => debugServers.addPorts(pool.stats()),
    close,
    [Symbol.asyncDispose]: close,
  }
}

const checkLimits: Check = (name, value) => {
  const words = `'function' or an object such as { maxOldGenerationSizeMb: 128 }, with numbers for ${LIMITS.join(', ')}`
  mustBe(words, value === 'function' || areLimits(value), name, value)
}

// Node ignores unknown limits.
function areLimits(limits: unknown): boolean {
  if (typeof limits !== 'object' || limits === null || Array.isArray(limits)) return false
  return Object.entries(limits).every(
    ([name, value]) => (LIMITS as readonly string[]).includes(name) && typeof value === 'number' && value > 0,
  )
}

/**
 * The heap that Lambda's `bootstrap` gives Node: 90 % of the memory for old objects, semi-spaces of 5 % for young ones.
 */
function lambdaLimits(origin: WorkerOrigin | undefined): ResourceLimits | undefined {
  const memoryMb = Number.parseInt(origin?.context.memoryLimitInMB ?? '', 10)
  if (!(memoryMb > 0)) return undefined
  // V8's young generation has three semi-spaces.
  return { maxOldGenerationSizeMb: memoryMb * 0.9, maxYoungGenerationSizeMb: memoryMb * 0.15 }
}
