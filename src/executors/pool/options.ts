import { availableParallelism, totalmem } from 'node:os'
import type { Clock } from '../../core/base/clock.js'
import { checkClock, checkText, listOf, wholeNumber } from '../../core/base/option-checks.js'
import { type Checks, mustBe } from '../../core/base/options.js'

/** Options of all executors with workers. */
export interface PoolOptions {
  /**
   * Names of the host's environment variables that local code sees, besides `PATH` and `HOME`; `*` matches any part of
   * a name, as in `SHOP_*`. If the function has a variable of the same name, the function's value wins.
   * @default none
   */
  inheritEnv?: readonly string[] | undefined
  /**
   * Names of guarded function variables to pass to local code. Variables that make an interpreter, a loader or a tool
   * load or run code, such as `NODE_OPTIONS`, `LD_PRELOAD` or `PATH`, are otherwise left out and a log line says so,
   * because any holder of the stub's key can choose them. `docs/local-code.md` lists them.
   * @default none
   */
  allowEnv?: readonly string[] | undefined
  /**
   * The maximum number of live workers, including spares. At the limit, an execution environment replaces a spare, or
   * else the worker that has been idle longest, or waits until a worker is idle and logs a line. If no invocation ends
   * for seconds while others wait, for example because local code waits for local code, one more worker starts above
   * the limit. `Infinity` for no limit.
   * @default the lesser of 4 per core and 2 per GB of memory; at least 4
   */
  maxWorkers?: number | undefined
  /**
   * The number of functions with a spare worker, most recently used first. A spare has the environment of one of the
   * function's execution environments and the code's imports from packages, so that after a save only the code itself
   * must be loaded. With 0, the next invocation waits for a new worker.
   * @default 4
   */
  spares?: number | undefined
  /** Milliseconds that a worker lives without an invocation. @default 900,000 (15 minutes) */
  idleMs?: number | undefined
  /**
   * Ports where debuggers attach to a function's workers, like a process started with `--inspect`. By function id,
   * where 0 selects a free port, or true for a free port for each function. `stats()` returns the ports. A debugger
   * that the host already runs under does not need a port.
   * @default none
   */
  inspect?: boolean | Readonly<Record<string, number>> | undefined
  /** @default the system clock */
  clock?: Clock | undefined
}

export const DEFAULT_IDLE_MS = 15 * 60_000
export const DEFAULT_SPARES = 4

const WORKERS_PER_CORE = 4
/** A process takes 45 MB without code, and about as much again with it: two per GB use a fifth of the memory. */
const WORKERS_PER_GB = 2
const FEWEST_WORKERS = 4

/** Returns the default of `maxWorkers`. @param memoryBytes the memory of the machine, or the limit of the container */
export function defaultMaxWorkers(cores = availableParallelism(), memoryBytes = usableMemory()): number {
  const byMemory = Math.round((memoryBytes / 2 ** 30) * WORKERS_PER_GB)
  return Math.max(FEWEST_WORKERS, Math.min(cores * WORKERS_PER_CORE, byMemory))
}

/** A check for each of {@link PoolOptions}. */
export const poolChecks: Checks<PoolOptions> = {
  inheritEnv: listOf('a list of the names of environment variables', checkText),
  allowEnv: listOf('a list of the names of environment variables', checkText),
  maxWorkers: (name, value) => value === Infinity || wholeNumber(1)(name, value),
  spares: wholeNumber(0),
  idleMs: (name, value) =>
    mustBe('a number of milliseconds over 0', typeof value === 'number' && value > 0, name, value),
  inspect: (name, value) =>
    mustBe(
      'true, or ports from 0 to 65,535 by function id: { api: 9230 }',
      areInspectPorts(value),
      name,
      value,
    ),
  clock: checkClock,
}

function areInspectPorts(inspect: unknown): boolean {
  if (typeof inspect === 'boolean') return true
  if (typeof inspect !== 'object' || inspect === null || Array.isArray(inspect)) return false
  return Object.values(inspect).every((port) => Number.isInteger(port) && port >= 0 && port <= 65_535)
}

/** Without a limit of a container, Node returns 0, or a number above the machine's memory. */
function usableMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}
