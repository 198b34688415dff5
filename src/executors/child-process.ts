import { systemClock } from '../core/base/clock.js'
import { checkDuration, checkText } from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import type { Executor, Task } from '../core/contracts/executor.js'
import type { FunctionBuild } from '../core/contracts/function-source.js'
import { DebugServers } from './debug/servers.js'
import { LocalEnvironment } from './environment/local-environment.js'
import type { LocalWorker, SpareWorker, WorkerOrigin } from './pool/local-worker.js'
import {
  DEFAULT_IDLE_MS,
  DEFAULT_SPARES,
  defaultMaxWorkers,
  type PoolOptions,
  poolChecks,
} from './pool/options.js'
import { WorkerPool } from './pool/worker-pool.js'
import { Guard } from './process/guard.js'
import { ProcessWorker, type ProcessWorkerOptions } from './process/worker.js'
import { runtimeOf } from './runtime-kind.js'
import { unsupportedBuild } from './unsupported-build.js'

/** Options of {@link childProcesses}. */
export interface ChildProcessesOptions extends PoolOptions {
  /**
   * Milliseconds between SIGTERM and SIGKILL when a process must end: because it was idle too long, its code has
   * changed, its invocation is out of time or no longer wanted, or the executor closes.
   * @default 500
   */
  graceMs?: number | undefined
  /**
   * The program that runs Python: a name on the `PATH`, or a path, such as the Python of a virtual environment.
   * @default the Python of the nearest `.venv` at or above the handler, or else of the activated virtual environment,
   * or else `python3`
   */
  python?: string | undefined
}

const DEFAULT_GRACE_MS = 500

/**
 * Runs local code in processes, one for each remote execution environment, behind a local Lambda Runtime API: a module
 * in Node (`.js`, `.mjs`, `.cjs`) or Python (`.py`), or a command that is itself a runtime, such as a custom runtime's
 * `bootstrap`. A process sees the function's environment, and only the host's variables that are allowed.
 *
 * Each process leads a process group, which ends with it. If the host ends without `close()`, even by SIGKILL, every
 * group is killed. A child that leaves its group on purpose (`setsid`) is not killed.
 * @throws TetherError `INVALID_OPTION`
 */
export function childProcesses(options: ChildProcessesOptions = {}): Executor {
  checkOptions('childProcesses', options, {
    ...poolChecks,
    graceMs: checkDuration,
    python: checkText,
  })
  const {
    inheritEnv = [],
    allowEnv = [],
    maxWorkers = defaultMaxWorkers(),
    spares = DEFAULT_SPARES,
    idleMs = DEFAULT_IDLE_MS,
  } = options
  const { clock = systemClock, graceMs = DEFAULT_GRACE_MS, python } = options
  const guard = new Guard()
  const workerOptions: ProcessWorkerOptions = {
    clock,
    guard,
    graceMs,
    python,
    environment: new LocalEnvironment({ inheritEnv, allowEnv, clock }),
    deadlineOf: (task) => task.deadline - clock.now() + systemClock.now(),
    inspects: (functionId) => debugServers.has(functionId),
  }
  const startSpare = (origin: WorkerOrigin): SpareWorker => new ProcessWorker(origin, workerOptions)
  const start = (task: Task): LocalWorker => {
    if (runtimeOf(task.build) === undefined) throw unsupportedBuild('childProcesses()', task)
    const worker = startSpare(task)
    void worker.load(task.build)
    return worker
  }
  // A custom runtime cannot start without its code.
  const canStandBy = (build: FunctionBuild) => runtimeOf(build) !== 'custom'
  const pool = new WorkerPool({ start, startSpare, canStandBy, spares, maxWorkers, idleMs, clock })
  const debugServers = new DebugServers(options.inspect, (functionId) => pool.debugTargets(functionId))
  const close = async () => {
    await pool.close()
    await debugServers.close()
    await guard.close()
  }
  return {
    name: 'child-processes',
    execute: (task, abort) =>
      debugServers.open(task.functionId)?.then(() => pool.execute(task, abort)) ?? pool.execute(task, abort),
    reload: (functionId, build) => pool.reload(functionId, build),
    stats: () => debugServers.addPorts(pool.stats()),
    close,
    [Symbol.asyncDispose]: close,
  }
}
