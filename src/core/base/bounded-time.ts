import type { Clock } from './clock.js'

/** Milliseconds between a moment and now. A clock that was set in between, either way, makes nothing seem younger. */
export function elapsedMs(clock: Clock, since: number): number {
  return Math.abs(clock.now() - since)
}

/**
 * A time that only goes on. It follows the wall clock from one reading to the next by `maxStepMs` at most, so that a clock
 * which is set, or a process that was frozen, ages nothing by more than that.
 */
export class BoundedTime {
  readonly #clock: Clock
  readonly #maxStepMs: number
  #wallAt: number
  #passedMs = 0

  constructor(clock: Clock, maxStepMs: number) {
    this.#clock = clock
    this.#maxStepMs = maxStepMs
    this.#wallAt = clock.now()
  }

  /** Milliseconds since this was made. */
  now(): number {
    const wall = this.#clock.now()
    this.#passedMs += Math.min(this.#maxStepMs, Math.abs(wall - this.#wallAt))
    this.#wallAt = wall
    return this.#passedMs
  }
}
