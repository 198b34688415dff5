import type { Clock } from '../core/base/clock.js'
import { checkClock, checkDuration, checkFunction } from '../core/base/option-checks.js'
import { required } from '../core/base/options.js'

/** Registers a test: `test` of vitest, of `node:test` or of Jest, `it` of Mocha. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

/** Options of every suite besides its factory. */
export interface SuiteOptions {
  readonly test: TestFunction
  /** The longest wait for anything that must happen, in milliseconds. @default 5000 */
  readonly waitMs?: number | undefined
  /** Times the waits. @default the machine's clock */
  readonly clock?: Clock | undefined
}

/** A check for each of {@link SuiteOptions} and the factory. */
export const suiteChecks = {
  test: required(checkFunction),
  factory: required(checkFunction),
  waitMs: checkDuration,
  clock: checkClock,
}

/** Waits with a time limit: a wait that takes longer fails the test and names the missed event. */
export class Patience {
  readonly #clock: Clock
  readonly #waitMs: number

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock
    this.#waitMs = waitMs
  }

  /** Resolves when so many milliseconds have passed. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.schedule(ms, resolve))
  }

  /**
   * Returns the result of `promise`; rejects when the time is up. `what` completes "… within 5,000 ms" and is called
   * only then.
   */
  async within<T>(what: string | (() => string), promise: Promise<T>): Promise<T> {
    let cancel = () => {}
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#clock.schedule(this.#waitMs, () => {
        const missed = typeof what === 'string' ? what : what()
        reject(new Error(`${missed} within ${this.#waitMs.toLocaleString('en-US')} ms.`))
      })
    })
    return Promise.race([promise, late]).finally(() => cancel())
  }
}
