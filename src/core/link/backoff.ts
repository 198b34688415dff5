const BASE_MS = 250
const MAX_MS = 10_000

/**
 * How long to wait between attempts to connect: 250 ms after the first failure, then twice as long each time up to 10 s,
 * with jitter between half of that and all of it.
 */
export class Backoff {
  readonly #random: () => number
  #failures = 0

  /** @param random from 0 to 1, for jitter */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** How many attempts have failed since the last success. */
  get failures(): number {
    return this.#failures
  }

  /** An attempt failed. @returns how long to wait before the next, in milliseconds */
  failed(): number {
    const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** this.#failures++)
    return Math.round(ceiling * (0.5 + this.#random() / 2))
  }

  /** An attempt succeeded: the next failure is the first again. */
  succeeded(): void {
    this.#failures = 0
  }
}
