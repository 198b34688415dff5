import type { Clock } from '../core/base/clock.js'
import { checkClock, checkDuration, checkFunction } from '../core/base/option-checks.js'
import { required } from '../core/base/options.js'

/** How a test runner takes one test: `test` of vitest, of `node:test` or of Jest, `it` of Mocha. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

/** What every suite takes beside its factory. */
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

/** Waits that end: what takes longer than it may fails the test, and says what it waited for. */
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

  /** What `promise` gives; rejects when the time is up. `what` completes "… within 5,000 ms" and is asked for then. */
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
