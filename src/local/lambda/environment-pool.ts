import type { Cancel, Clock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import type { ExecutionEnvironment } from './execution-environment.js'

/** Options of {@link EnvironmentPool}. */
export interface EnvironmentPoolOptions {
  readonly clock: Clock
  /** How long an unused environment lives, in milliseconds. */
  readonly idleMs: number
  /** Makes an environment, which calls `onIdle` after each invocation. */
  create(onIdle: () => void): ExecutionEnvironment
}

/** A function's execution environments: created on demand, reused, ended after some time without use. */
export class EnvironmentPool {
  readonly #options: EnvironmentPoolOptions
  readonly #all = new Set<ExecutionEnvironment>()
  /** Environments with an older definition of the function: their current invocation is their last. */
  readonly #outdated = new WeakSet<ExecutionEnvironment>()
  /** The most recently used is last, and is used first, so that the others may expire. */
  readonly #unused: ExecutionEnvironment[] = []
  readonly #expiries = new Map<ExecutionEnvironment, Cancel>()
  #closed = false

  constructor(options: EnvironmentPoolOptions) {
    this.#options = options
  }

  /** All live environments, in order of creation. */
  get environments(): readonly ExecutionEnvironment[] {
    return [...this.#all]
  }

  /** Returns an unused environment, or a new one in state `starting`. @throws TetherError `CLOSED` */
  take(): ExecutionEnvironment {
    // An environment that has just died may still be in the list.
    let environment = this.#unused.pop()
    while (environment?.usable === false) environment = this.#unused.pop()
    if (environment === undefined) return this.create()
    this.#expiries.get(environment)?.()
    this.#expiries.delete(environment)
    return environment
  }

  /** Makes a new environment, even if others are unused. @throws TetherError `CLOSED` */
  create(): ExecutionEnvironment {
    if (this.#closed) throw new TetherError('CLOSED', 'The local Lambda host is closed.')
    const environment: ExecutionEnvironment = this.#options.create(() => this.#release(environment))
    this.#all.add(environment)
    void environment.ended.then(() => this.#forget(environment))
    return environment
  }

  /** Retires all current environments: unused ones end now, busy ones after their invocation. */
  renew(): void {
    for (const environment of this.#all) this.#outdated.add(environment)
    void this.expire()
  }

  /** Ends all unused environments, as Lambda may do at any time. */
  async expire(): Promise<void> {
    await Promise.all(this.#unused.splice(0).map((environment) => environment.stop()))
  }

  /** Ends all environments. Idempotent. */
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
