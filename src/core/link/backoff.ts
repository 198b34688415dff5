const BASE_MS = 250
const MAX_MS = 10_000

/**
 * The wait between connection attempts: 250 ms after the first failure, then doubled each time up to 10 s, with jitter
 * between half of it and all of it.
 */
export class Backoff {
  readonly #random: () => number
  #failures = 0

  /** @param random from 0 to 1, for jitter */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** The number of failed attempts since the last success. */
  get failures(): number {
    return this.#failures
  }

  /** Counts a failed attempt. @returns the wait before the next, in milliseconds */
  failed(): number {
    const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** this.#failures++)
    return Math.round(ceiling * (0.5 + this.#random() / 2))
  }

  /** Records a success: the next failure counts as the first again. */
  succeeded(): void {
    this.#failures = 0
  }
}
