import { BoundedMap } from '../core/base/bounded-map.js'

const MOST_TEXTS = 100

/** Lets a repeated text through only at the first, 10th, 100th … time. */
export class Repeats {
  readonly #counts = new BoundedMap<string, { times: number }>(MOST_TEXTS)

  /** @returns a suffix with the count (empty the first time), or undefined if the text must not be printed now */
  next(text: string): string | undefined {
    const count = this.#counts.get(text) ?? { times: 0 }
    this.#counts.set(text, count)
    count.times++
    if (count.times === 1) return ''
    return Number.isInteger(Math.log10(count.times)) ? ` (${count.times} times)` : undefined
  }

  /** Resets all counts. */
  forget(): void {
    this.#counts.clear()
  }
}
