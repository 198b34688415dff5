import type { Cancel, Clock } from '../../src/index.js'

/** Numbers that look random and follow from a seed: Mulberry32. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Whether something happens that does so with this probability. */
  of(probability: number): boolean {
    return this.next() < probability
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** Takes one out of a list, whichever: what a network does that keeps no order. */
  take<T>(list: T[]): T | undefined {
    if (list.length === 0) return undefined
    const at = this.below(list.length)
    const taken = list[at]!
    list[at] = list[list.length - 1]!
    list.pop()
    return taken
  }
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** As a manual clock, for a simulation of many steps: timers run within `advance`, and nothing waits for the event loop. */
export class SteppedClock implements Clock {
  #now = 1_800_000_000_000
  #order = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** This clock as a machine has it whose own is wrong by so much. */
  shifted(byMs: number): Clock {
    return { now: () => this.#now + byMs, schedule: (delayMs, callback) => this.schedule(delayMs, callback) }
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      let due: Timer | undefined
      for (const timer of this.#timers) {
        if (timer.at > until) continue
        if (due === undefined || timer.at < due.at || (timer.at === due.at && timer.order < due.order))
          due = timer
      }
      if (due === undefined) break
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
      await promises()
    }
    this.#now = until
    await promises()
  }
}

/** Lets promises that are settled have their consequences. */
async function promises(): Promise<void> {
  for (let i = 0; i < 8; i++) await undefined
}
