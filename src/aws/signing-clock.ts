import type { Clock } from '../core/base/clock.js'
import { TetherError } from '../core/base/errors.js'

// A signature is valid for five minutes; a difference below this is network latency.
const TOLERANCE_MS = 30_000

/** The parts of a refusal that tell AWS's time. */
export interface RefusedResponse {
  readonly statusCode?: unknown
  /** Its `Date` header. */
  readonly date?: unknown
}

/** This machine's clock, corrected by the `Date` headers of AWS's refusals. */
export class SigningClock {
  readonly #clock: Clock
  #behindMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Lag of this machine's clock behind AWS's, in milliseconds, as far as known. */
  get behindMs(): number {
    return this.#behindMs
  }

  /** AWS's time, in Unix milliseconds. */
  now(): number {
    return this.#clock.now() + this.#behindMs
  }

  /** Makes an attempt, and a second one if a wrong clock may explain the refusal of the first. */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof TetherError && this.corrected(error.details))) throw error
      return work()
    }
  }

  /**
   * Whether a wrong clock may explain this refusal. If so, corrects the clock: a new signature is worth another
   * attempt.
   */
  corrected({ statusCode, date }: RefusedResponse): boolean {
    const errorMs = Date.parse(String(date)) - this.now()
    if (statusCode !== 403 || !(Math.abs(errorMs) > TOLERANCE_MS)) return false
    this.#behindMs += errorMs
    return true
  }
}
