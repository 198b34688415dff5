/** Limits events in any one second. */
export class RateWindow {
  readonly #limit: number
  // The last `limit` times, as a ring: the next write replaces the oldest.
  readonly #times: number[] = []
  #next = 0

  constructor(perSecond: number) {
    this.#limit = perSecond
  }

  /** Whether another event is allowed at `now`, in milliseconds; counts it if so. */
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

/** Computes when bytes may pass: a burst at once, then no faster than the rate. */
export class Throughput {
  readonly #bytesPerSecond: number
  readonly #burstMs: number
  // When the bytes so far would have passed at the plain rate.
  #paidUntil = 0

  /** @param burstBytes @default a second's worth */
  constructor(bytesPerSecond: number, burstBytes: number = bytesPerSecond) {
    this.#bytesPerSecond = bytesPerSecond
    this.#burstMs = (burstBytes / bytesPerSecond) * 1000
  }

  /** Returns the time, in milliseconds, at which these bytes may pass; counts them. */
  due(bytes: number, now: number): number {
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return now
    this.#paidUntil = Math.max(this.#paidUntil, now) + (bytes / this.#bytesPerSecond) * 1000
    return Math.max(now, this.#paidUntil - this.#burstMs)
  }
}

/** Allows one event per key and interval; forgets keys after their interval. */
export class KeyedInterval {
  readonly #intervalMs: number
  readonly #last = new Map<string, number>()

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** Whether `key` is allowed at `now`, in milliseconds; counts it if so. */
  take(key: string, now: number): boolean {
    const last = this.#last.get(key)
    if (last !== undefined && now - last < this.#intervalMs) return false
    // Deleted first, so that the map stays in order of time, with expired keys at its front.
    this.#last.delete(key)
    this.#last.set(key, now)
    for (const [old, time] of this.#last) {
      if (now - time < this.#intervalMs) break
      this.#last.delete(old)
    }
    return true
  }
}
