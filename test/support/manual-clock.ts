import type { Cancel, Clock } from '../../src/core/base/clock.js'

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number
  #next = 0
  readonly #timers = new Map<number, { at: number; callback: () => void }>()

  constructor(now = 1_800_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const id = this.#next++
    this.#timers.set(id, { at: this.#now + Math.max(0, delayMs), callback })
    return () => void this.#timers.delete(id)
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
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= this.#now + left)
        .sort(([, a], [, b]) => a.at - b.at)[0]
      if (due === undefined) break
      this.#timers.delete(due[0])
      left -= Math.max(0, due[1].at - this.#now)
      this.#now = Math.max(this.#now, due[1].at)
      due[1].callback()
      await settle()
    }
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
    for (const timer of this.#timers.values()) timer.at += byMs
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
