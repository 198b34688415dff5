import type { Clock } from './clock.js'

/** Milliseconds between a moment and now. Setting the clock in between, either way, makes nothing seem younger. */
export function elapsedMs(clock: Clock, since: number): number {
  return Math.abs(clock.now() - since)
}

/**
 * A time that never goes back. It follows the wall clock by at most `maxStepMs` from one reading to the next, so that a
 * clock change or a frozen process ages nothing by more than that.
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
