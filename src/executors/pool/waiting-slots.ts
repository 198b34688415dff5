import type { Cancel, Clock } from '../../core/base/clock.js'
import type { EnvironmentSlot } from './environment-slot.js'

export interface WaitingSlotsOptions {
  readonly clock: Clock
  readonly maxWorkers: number
  /** How many workers live. */
  live(): number
  /** The functions of the invocations that run, each as often as it does. */
  running(): readonly string[]
  /** One more worker may start. */
  onStalled(): void
}

/**
 * When no invocation has ended for this long, one more worker starts: all that run may wait for one in the queue, as where local
 * code invokes local code. The time doubles with each, so that code which is only slow starts few.
 */
const STALL_MS = 2_000
/** Nothing is told where others waited so shortly before. */
const SAME_EPISODE_MS = 10_000

/** Slots with an invocation and no worker, because `maxWorkers` live; the first has waited longest. */
export class WaitingSlots {
  readonly #options: WaitingSlotsOptions
  readonly #slots = new Set<EnvironmentSlot>()
  #limit: number
  /** More than `maxWorkers` may live. */
  #grown = false
  #stallMs = STALL_MS
  #cancelStall: Cancel = () => {}
  #lastWaitedAt = Number.NEGATIVE_INFINITY

  constructor(options: WaitingSlotsOptions) {
    this.#options = options
    this.#limit = options.maxWorkers
  }

  get size(): number {
    return this.#slots.size
  }

  /** How many workers may live now. */
  get limit(): number {
    return this.#limit
  }

  /** Whether a worker that has become idle is one too many. */
  get crowded(): boolean {
    if (this.#grown && this.#slots.size === 0) this.#grown = this.#options.live() > this.#options.maxWorkers
    return this.#grown && this.#slots.size === 0
  }

  add(slot: EnvironmentSlot): void {
    if (this.#slots.size === 0) this.#begin(slot)
    this.#slots.add(slot)
  }

  delete(slot: EnvironmentSlot): void {
    if (!this.#slots.delete(slot) || this.#slots.size > 0) return
    this.#cancelStall()
    this.#limit = this.#options.maxWorkers
    this.#stallMs = STALL_MS
    this.#lastWaitedAt = this.#options.clock.now()
  }

  /** An invocation has ended. */
  progress(): void {
    if (this.#slots.size === 0) return
    this.#stallMs = STALL_MS
    this.#watch()
  }

  /**
   * Whose turn it is: who has waited longest. Beyond `maxWorkers` it is the function of which the fewest run, and its latest:
   * where those that run wait for another, that is the likeliest.
   */
  next(): EnvironmentSlot | undefined {
    const [first] = this.#slots
    const { maxWorkers, running } = this.#options
    if (first === undefined || this.#limit <= maxWorkers) return first
    const functions = running()
    if (functions.length < maxWorkers) return first
    const count = (slot: EnvironmentSlot) => functions.filter((id) => id === slot.functionId).length
    return [...this.#slots].reduce((best, slot) => (count(slot) <= count(best) ? slot : best))
  }

  #begin({ queue }: EnvironmentSlot): void {
    const { clock, maxWorkers } = this.#options
    this.#watch()
    if (clock.now() - this.#lastWaitedAt < SAME_EPISODE_MS) return
    const text = `[lambda-tether] ${maxWorkers} workers are busy, which is the executor's limit (maxWorkers): this invocation waits, and so may others.`
    queue[0]?.task.onLog({ stream: 'stderr', text, time: clock.now(), level: 'warn' })
  }

  #watch(): void {
    this.#cancelStall()
    this.#cancelStall = this.#options.clock.schedule(this.#stallMs, () => {
      this.#limit = Math.max(this.#limit, this.#options.live()) + 1
      this.#grown = true
      this.#stallMs *= 2
      this.#watch()
      this.#options.onStalled()
    })
  }
}
