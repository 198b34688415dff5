import type { Head, HeadPage } from '../api/contract.js'
import { fetchJson } from '../api/request.js'

const TYPING_MS = 150
const ARRIVALS_MS = 500
const FOUND_ROWS = 500

/** Lets the server search events and output for a text, again as more arrives. */
export class TextSearch {
  #text = ''
  #found: ReadonlySet<string> = new Set()
  #timer: number | undefined
  #reading: AbortController | undefined
  readonly #onFound: (heads: readonly Head[]) => void

  constructor(onFound: (heads: readonly Head[]) => void) {
    this.#onFound = onFound
  }

  /** Ids of the newest invocations that have the text. */
  get found(): ReadonlySet<string> {
    return this.#found
  }

  search(text: string): void {
    if (text === this.#text) return
    this.#text = text
    this.#found = new Set()
    this.#reading?.abort()
    window.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#later(TYPING_MS)
  }

  /** Searches again: a new event or line may have the text. */
  again(): void {
    this.#later(ARRIVALS_MS)
  }

  #later(ms: number): void {
    if (this.#text !== '') this.#timer ??= window.setTimeout(() => this.#read(), ms)
  }

  async #read(): Promise<void> {
    this.#timer = undefined
    if (this.#text === '') return
    const reading = new AbortController()
    this.#reading = reading
    try {
      const { invocations } = await fetchJson<HeadPage>(
        `/api/invocations?limit=${FOUND_ROWS}&q=${encodeURIComponent(this.#text)}`,
        reading.signal,
      )
      this.#found = new Set([...this.#found, ...invocations.map(({ id }) => id)])
      this.#onFound(invocations)
    } catch {
      // The page reports that the host is away, or another text has replaced this one.
    }
  }
}
