import type { Clock } from '../core/base/clock.js'
import { TetherError } from '../core/base/errors.js'

// A signature holds for five minutes; a difference this small is the network's.
const TOLERANCE_MS = 30_000

/** A refusal, as far as it tells about time. */
export interface RefusedResponse {
  readonly statusCode?: unknown
  /** Its `Date` header. */
  readonly date?: unknown
}

/** This machine's clock, corrected by what AWS's refusals have told. */
export class SigningClock {
  readonly #clock: Clock
  #behindMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How far this machine's clock is behind AWS's, in milliseconds, as far as is known. */
  get behindMs(): number {
    return this.#behindMs
  }

  /** AWS's time, in Unix milliseconds. */
  now(): number {
    return this.#clock.now() + this.#behindMs
  }

  /** Makes an attempt, and a second one if a wrong clock may be why the first was refused. */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof TetherError && this.corrected(error.details))) throw error
      return work()
    }
  }

  /** Whether a wrong clock may be why this was refused: it is right from now on, and another signature worth a try. */
  corrected({ statusCode, date }: RefusedResponse): boolean {
    const errorMs = Date.parse(String(date)) - this.now()
    if (statusCode !== 403 || !(Math.abs(errorMs) > TOLERANCE_MS)) return false
    this.#behindMs += errorMs
    return true
  }
}
