import { clearTimeout, setTimeout } from './timers.js'

/** Time, injected, so that tests decide what the time is. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number
  /** Milliseconds that never go back, from any start: setting the machine's clock does not change them. @default `now` */
  monotonic?(): number
  /** Calls `callback` once, `delayMs` from now, unless cancelled. */
  schedule(delayMs: number, callback: () => void): Cancel
}

/** Cancels a scheduled call; harmless afterwards and when repeated. */
export type Cancel = () => void

// Kept as the timers are: what a test sets as the date is no time to sign, to expire or to look at files by.
const { now } = Date
const monotonic = performance.now.bind(performance)

/** The machine's own clock, whatever a test runner puts in the place of `Date`. */
export const systemClock: Clock = {
  now,
  monotonic,
  schedule(delayMs, callback) {
    // setTimeout takes 31 bits, 24 days; no wait here is longer than the 12 hours after which presence is said anew.
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 0x7fff_ffff))
    return () => clearTimeout(timer)
  },
}
