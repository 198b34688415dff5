import type { Clock } from '../core/clock.js'
import { TetherError } from '../core/errors.js'

/** What executors with workers of their own have in common. */
export interface PoolOptions {
  /**
   * Which of the host's environment variables local code sees beside `PATH` and `HOME`. A variable that the
   * function has itself keeps the function's value.
   * @default none
   */
  inheritEnv?: readonly string[]
  /**
   * How many workers may live at once. Further execution environments take the place of the one idle longest,
   * or wait until one is idle. Spares count, and give way first.
   * @default no limit
   */
  maxWorkers?: number
  /**
   * For how many functions, those used last, a spare worker stands by: with the environment of one of the function's
   * execution environments and with what the code imports from packages, so that after a save only the code itself has to
   * be loaded. 0 for none: the next invocation then waits for a new worker.
   * @default 4
   */
  spares?: number
  /** How long a worker lives without an invocation. @default 900,000 (15 minutes) */
  idleMs?: number
  /**
   * At which port debuggers attach to a function's workers, as to a process started with `--inspect`: by function id, 0 for
   * one that is free, or true for one that is free for each function. `stats()` tells which. A debugger that the host runs
   * under needs none.
   * @default none
   */
  inspect?: boolean | Readonly<Record<string, number>>
  /** @default the machine's clock */
  clock?: Clock
}

export const DEFAULT_IDLE_MS = 15 * 60_000
export const DEFAULT_SPARES = 4

/**
 * Checks the options that executors with workers have in common, and that there are no others but `more`.
 * @param factory the name of the function that takes them
 * @throws TetherError `INVALID_OPTION`
 */
export function checkPoolOptions(factory: string, options: PoolOptions, more: readonly string[]): void {
  const known = ['inheritEnv', 'maxWorkers', 'spares', 'idleMs', 'inspect', 'clock', ...more]
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw invalidOption(name, `is no option of ${factory}(); those are ${known.join(', ')}`)
  }
  const { inheritEnv, maxWorkers, spares, idleMs, inspect } = options
  if (
    inheritEnv !== undefined &&
    !(Array.isArray(inheritEnv) && inheritEnv.every((name) => typeof name === 'string'))
  ) {
    throw invalidOption('inheritEnv', 'must be a list of the names of environment variables')
  }
  if (
    maxWorkers !== undefined &&
    !(maxWorkers === Infinity || (Number.isInteger(maxWorkers) && maxWorkers >= 1))
  ) {
    throw invalidOption('maxWorkers', `must be a whole number from 1, not ${maxWorkers}`)
  }
  if (spares !== undefined && !(Number.isInteger(spares) && spares >= 0)) {
    throw invalidOption('spares', `must be a whole number from 0, not ${spares}`)
  }
  if (idleMs !== undefined && !(typeof idleMs === 'number' && idleMs > 0)) {
    throw invalidOption('idleMs', `must be a number of milliseconds over 0, not ${idleMs}`)
  }
  if (inspect !== undefined && !areInspectPorts(inspect)) {
    throw invalidOption('inspect', 'must be true, or ports from 0 to 65,535 by function id: { api: 9230 }')
  }
}

function areInspectPorts(inspect: unknown): boolean {
  if (typeof inspect === 'boolean') return true
  if (typeof inspect !== 'object' || inspect === null) return false
  return Object.values(inspect).every((port) => Number.isInteger(port) && port >= 0 && port <= 65_535)
}

export function invalidOption(name: string, problem: string): TetherError {
  return new TetherError('INVALID_OPTION', `'${name}' ${problem}.`)
}
