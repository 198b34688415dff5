import { availableParallelism, totalmem } from 'node:os'
import type { Clock } from '../../core/base/clock.js'
import { checkClock, checkText, listOf, wholeNumber } from '../../core/base/option-checks.js'
import { type Checks, mustBe } from '../../core/base/options.js'

/** What executors with workers of their own have in common. */
export interface PoolOptions {
  /**
   * Which of the host's environment variables local code sees beside `PATH` and `HOME`; `*` stands for any part of a name, as in
   * `SHOP_*`. A variable that the function has itself keeps the function's value.
   * @default none
   */
  inheritEnv?: readonly string[] | undefined
  /**
   * Which of the function's variables local code sees though an interpreter, a loader or a tool loads or runs code by them, such
   * as `NODE_OPTIONS`, `LD_PRELOAD` or `PATH`: whoever holds a stub's key chooses them. The others are left out, and a line
   * in the log says so. `docs/local-code.md` has the list.
   * @default none
   */
  allowEnv?: readonly string[] | undefined
  /**
   * How many workers may live at once. Further execution environments take the place of the one idle longest, or wait until one
   * is idle, of which a line in the log tells. Spares count, and give way first. Where no invocation ends for seconds while others
   * wait, as where local code waits for local code, one more starts all the same. `Infinity` for no limit.
   * @default 4 for each core or 2 for each GB of memory, whichever is less; at least 4
   */
  maxWorkers?: number | undefined
  /**
   * For how many functions, those used last, a spare worker stands by: with the environment of one of the function's
   * execution environments and with what the code imports from packages, so that after a save only the code itself has to
   * be loaded. 0 for none: the next invocation then waits for a new worker.
   * @default 4
   */
  spares?: number | undefined
  /** How long a worker lives without an invocation. @default 900,000 (15 minutes) */
  idleMs?: number | undefined
  /**
   * At which port debuggers attach to a function's workers, as to a process started with `--inspect`: by function id, 0 for
   * one that is free, or true for one that is free for each function. `stats()` tells which. A debugger that the host runs
   * under needs none.
   * @default none
   */
  inspect?: boolean | Readonly<Record<string, number>> | undefined
  /** @default the machine's clock */
  clock?: Clock | undefined
}

export const DEFAULT_IDLE_MS = 15 * 60_000
export const DEFAULT_SPARES = 4

const WORKERS_PER_CORE = 4
/** A process without code takes 45 MB, and what code loads as much again: a fifth of the memory. */
const WORKERS_PER_GB = 2
const FEWEST_WORKERS = 4

/** The default of `maxWorkers`. @param memoryBytes what the machine has, or the container may use */
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

/** Without a container's limit, Node says 0, or a number beyond all memory. */
function usableMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}
