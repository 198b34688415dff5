import type { Clock } from './clock.js'

/** Remembers ids for at least `forMs` and at most twice that, at the cost of two sets. */
export class RecentIds {
  readonly #clock: Clock
  readonly #forMs: number
  #current = new Set<string>()
  #previous = new Set<string>()
  #turnsAt: number

  constructor(clock: Clock, forMs: number) {
    this.#clock = clock
    this.#forMs = forMs
    this.#turnsAt = clock.now() + forMs
  }

  has(id: string): boolean {
    this.#turn()
    return this.#current.has(id) || this.#previous.has(id)
  }

  add(id: string): void {
    this.#turn()
    this.#current.add(id)
  }

  #turn(): void {
    const now = this.#clock.now()
    if (now < this.#turnsAt) return
    const bothOld = now >= this.#turnsAt + this.#forMs
    this.#previous = bothOld ? new Set() : this.#current
    this.#current = new Set()
    this.#turnsAt = now + this.#forMs
  }
}
