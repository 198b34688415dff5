import type { Cancel, Clock } from '../../core/base/clock.js'
import type { EnvironmentSlot } from './environment-slot.js'

export interface WaitingSlotsOptions {
  readonly clock: Clock
  readonly maxWorkers: number
  /** Number of live workers. */
  live(): number
  /** The function of each running invocation, with repetitions. */
  running(): readonly string[]
  /** Called when one more worker may start. */
  onStalled(): void
}

/**
 * If no invocation ends for this long, one more worker starts: all running ones may wait for a queued one, as when
 * local code invokes local code. The time doubles with each start, so that code that is merely slow starts few workers.
 */
const STALL_MS = 2_000
/** No notice if others have waited this recently. */
const SAME_EPISODE_MS = 10_000

/** Slots with an invocation but no worker, because `maxWorkers` are live. The first has waited longest. */
export class WaitingSlots {
  readonly #options: WaitingSlotsOptions
  readonly #slots = new Set<EnvironmentSlot>()
  #limit: number
  /** Whether more than `maxWorkers` may be live. */
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

  /** The current limit of live workers. */
  get limit(): number {
    return this.#limit
  }

  /** Whether an idle worker exceeds the limit and must end. */
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

  /** Notes that an invocation has ended. */
  progress(): void {
    if (this.#slots.size === 0) return
    this.#stallMs = STALL_MS
    this.#watch()
  }

  /**
   * Returns the next slot to run: the one waiting longest. Above `maxWorkers`, the latest slot of the function with the
   * fewest running invocations: the running ones most likely wait for that one.
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
