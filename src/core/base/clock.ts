import { clearTimeout, setTimeout } from './timers.js'

/** The clock, injected so that tests control time. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number
  /**
   * Milliseconds that never go back, from any start. Setting the machine's clock does not change them.
   * @default `now`
   */
  monotonic?(): number
  /** Calls `callback` once, `delayMs` from now, unless cancelled. */
  schedule(delayMs: number, callback: () => void): Cancel
}

/** Cancels a scheduled call; harmless afterwards and when repeated. */
export type Cancel = () => void

// Captured at load, as the timers are: a date faked by a test must not reach signatures, expiries or file times.
const { now } = Date
const monotonic = performance.now.bind(performance)

/** The machine's own clock, even when a test runner has replaced `Date`. */
export const systemClock: Clock = {
  now,
  monotonic,
  schedule(delayMs, callback) {
    // setTimeout takes 31 bits, 24 days. The longest wait here is 12 hours, after which presence is published again.
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 0x7fff_ffff))
    return () => clearTimeout(timer)
  },
}
