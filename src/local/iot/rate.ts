/** Lets at most so many through in any one second. */
export class RateWindow {
  readonly #limit: number
  // The last `limit` times, as a ring: the oldest lies where the next will be written.
  readonly #times: number[] = []
  #next = 0

  constructor(perSecond: number) {
    this.#limit = perSecond
  }

  /** Whether one more is allowed at `now`, in milliseconds; if so it is counted. */
  take(now: number): boolean {
    if (this.#limit === Number.POSITIVE_INFINITY) return true
    if (this.#limit < 1) return false
    const oldest = this.#times[this.#next]
    if (oldest !== undefined && now - oldest < 1000) return false
    this.#times[this.#next] = now
    this.#next = (this.#next + 1) % Math.floor(this.#limit)
    return true
  }
}

/** Says when bytes may pass: a burst at once, then no faster than the rate. */
export class Throughput {
  readonly #bytesPerSecond: number
  readonly #burstMs: number
  // When the bytes let through so far would all have passed at the plain rate.
  #paidUntil = 0

  /** @param burstBytes @default a second's worth */
  constructor(bytesPerSecond: number, burstBytes: number = bytesPerSecond) {
    this.#bytesPerSecond = bytesPerSecond
    this.#burstMs = (burstBytes / bytesPerSecond) * 1000
  }

  /** The time, in milliseconds, at which these bytes may pass; they are counted. */
  due(bytes: number, now: number): number {
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return now
    this.#paidUntil = Math.max(this.#paidUntil, now) + (bytes / this.#bytesPerSecond) * 1000
    return Math.max(now, this.#paidUntil - this.#burstMs)
  }
}

/** Lets one through per key and interval, and forgets keys that are over. */
export class KeyedInterval {
  readonly #intervalMs: number
  readonly #last = new Map<string, number>()

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** Whether `key` is allowed at `now`, in milliseconds; if so it is counted. */
  take(key: string, now: number): boolean {
    const last = this.#last.get(key)
    if (last !== undefined && now - last < this.#intervalMs) return false
    // Deleted first, so that the map stays in order of time and the forgotten ones are at its front.
    this.#last.delete(key)
    this.#last.set(key, now)
    for (const [old, time] of this.#last) {
      if (now - time < this.#intervalMs) break
      this.#last.delete(old)
    }
    return true
  }
}
