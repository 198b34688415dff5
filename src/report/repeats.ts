import { BoundedMap } from '../core/base/bounded-map.js'

const MOST_TEXTS = 100

/** Texts that come again and again are printed at the first, 10th, 100th … time. */
export class Repeats {
  readonly #counts = new BoundedMap<string, { times: number }>(MOST_TEXTS)

  /** @returns what follows the text, or undefined if it is not to be printed now */
  next(text: string): string | undefined {
    const count = this.#counts.get(text) ?? { times: 0 }
    this.#counts.set(text, count)
    count.times++
    if (count.times === 1) return ''
    return Number.isInteger(Math.log10(count.times)) ? ` (${count.times} times)` : undefined
  }

  /** Counts anew. */
  forget(): void {
    this.#counts.clear()
  }
}
