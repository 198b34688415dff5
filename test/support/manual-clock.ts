import type { Cancel, Clock } from '../../src/index.js'

interface Timer {
  at: number
  readonly callback: () => void
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number
  #passed = 0
  readonly #timers = new Set<Timer>()

  constructor(now = 1_800_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#passed
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** How much time `advance` has let pass, in milliseconds, whatever the clock was set to meanwhile. */
  get passed(): number {
    return this.#passed
  }

  /** How many calls are scheduled. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves time on, calling what falls due in order and letting its consequences happen. */
  async advance(ms: number): Promise<void> {
    let left = ms
    await settle()
    for (;;) {
      const due = this.#next()
      if (due === undefined || due.at > this.#now + left) break
      this.#timers.delete(due)
      const untilDueMs = Math.max(0, due.at - this.#now)
      left -= untilDueMs
      this.#passed += untilDueMs
      this.#now += untilDueMs
      due.callback()
      await settle()
    }
    this.#passed += left
    this.#now += left
  }

  /** Moves time on while `work` waits for it. @returns what `work` gives */
  async during<T>(ms: number, work: Promise<T>): Promise<T> {
    await this.advance(ms)
    return work
  }

  /** Somebody sets the wall clock: no time passes, and timers fall due as they would have. */
  set(byMs: number): void {
    this.#now += byMs
    for (const timer of this.#timers) timer.at += byMs
  }

  /** What falls due first; of those at the same time, what was scheduled first. */
  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }

  /** Jumps without calling anything, as a frozen process sees it: timers fire late, after the thaw. */
  jump(ms: number): void {
    this.#now += ms
  }
}

/** Lets everything that is ready happen: frames through a memory transport and the promises behind them. */
export async function settle(turns = 12): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}
