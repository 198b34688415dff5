import type { Cancel, Clock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import type { ExecutionEnvironment } from './execution-environment.js'

/** What a pool needs to know. */
export interface EnvironmentPoolOptions {
  readonly clock: Clock
  /** How long an unused environment lives, in milliseconds. */
  readonly idleMs: number
  /** Makes an environment, which calls `onIdle` after each invocation. */
  create(onIdle: () => void): ExecutionEnvironment
}

/** A function's execution environments: made on demand, used again, ended after a time without use. */
export class EnvironmentPool {
  readonly #options: EnvironmentPoolOptions
  readonly #all = new Set<ExecutionEnvironment>()
  /** Those whose definition is no longer the function's: what runs in them is their last. */
  readonly #outdated = new WeakSet<ExecutionEnvironment>()
  /** The most recently used is last, and is used first, so that the others may expire. */
  readonly #unused: ExecutionEnvironment[] = []
  readonly #expiries = new Map<ExecutionEnvironment, Cancel>()
  #closed = false

  constructor(options: EnvironmentPoolOptions) {
    this.#options = options
  }

  /** All that live, in the order in which they were made. */
  get environments(): readonly ExecutionEnvironment[] {
    return [...this.#all]
  }

  /** One that waits, or a new one in state `starting`. @throws TetherError `CLOSED` */
  take(): ExecutionEnvironment {
    // One that has just died has not been forgotten yet.
    let environment = this.#unused.pop()
    while (environment?.usable === false) environment = this.#unused.pop()
    if (environment === undefined) return this.create()
    this.#expiries.get(environment)?.()
    this.#expiries.delete(environment)
    return environment
  }

  /** A new one, even where others wait. @throws TetherError `CLOSED` */
  create(): ExecutionEnvironment {
    if (this.#closed) throw new TetherError('CLOSED', 'The local Lambda host is closed.')
    const environment: ExecutionEnvironment = this.#options.create(() => this.#release(environment))
    this.#all.add(environment)
    void environment.ended.then(() => this.#forget(environment))
    return environment
  }

  /** Uses none of these again: those that wait end, those that are at work end after it. */
  renew(): void {
    for (const environment of this.#all) this.#outdated.add(environment)
    void this.expire()
  }

  /** Ends those that wait, as Lambda does whenever it likes. */
  async expire(): Promise<void> {
    await Promise.all(this.#unused.splice(0).map((environment) => environment.stop()))
  }

  /** Ends all. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#all].map((environment) => environment.stop()))
  }

  #release(environment: ExecutionEnvironment): void {
    if (this.#outdated.has(environment)) {
      void environment.stop()
      return
    }
    this.#unused.push(environment)
    const cancel = this.#options.clock.schedule(this.#options.idleMs, () => void environment.stop())
    this.#expiries.set(environment, cancel)
  }

  #forget(environment: ExecutionEnvironment): void {
    this.#all.delete(environment)
    this.#expiries.get(environment)?.()
    this.#expiries.delete(environment)
    const index = this.#unused.indexOf(environment)
    if (index >= 0) this.#unused.splice(index, 1)
  }
}
