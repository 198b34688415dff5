import type { Clock } from '../../src/index.js'

/** A clock that stands still until told otherwise. */
export class ManualClock implements Clock {
  #now: number
  #next = 0
  readonly #pending = new Map<number, { at: number; callback: () => void }>()

  constructor(now = Date.UTC(2026, 10, 21, 12)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const id = this.#next++
    this.#pending.set(id, { at: this.#now + Math.max(0, delayMs), callback })
    return () => this.#pending.delete(id)
  }

  /** How many calls are scheduled. */
  get pending(): number {
    return this.#pending.size
  }

  /** Moves on, calling what falls due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#pending].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0]
      if (!due) break
      const [id, { at, callback }] = due
      this.#pending.delete(id)
      this.#now = at
      callback()
    }
    this.#now = end
  }
}
