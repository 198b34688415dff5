import type { SessionIdentity } from '../contracts/transport.js'

const DAY_MS = 86_400_000

/** Whether `a` has the name rather than `b`. */
export function outranks(a: SessionIdentity, b: SessionIdentity): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.session > b.session)
}

/**
 * Whether a time is more than a day after `now`. An epoch is the time of an opening, so such an epoch would break the
 * name for as long.
 */
export function isFarAhead(at: number, now: number): boolean {
  return at - now > DAY_MS
}

/**
 * Whether a stub claims an epoch too far ahead for a session to take its name above it. The bound is lower than in
 * {@link isFarAhead}: under a forgery, a session raises its epoch up to this bound, and stubs, sessions and a relay
 * with slow clocks still accept it.
 */
export function isTooFarAhead(claimed: number, now: number): boolean {
  return claimed - now > DAY_MS / 2
}

/** Whether two times are more than a day apart. */
export function isFarApart(a: number, b: number): boolean {
  return Math.abs(a - b) > DAY_MS
}

/** The distance between two times in days, for people. */
export function daysBetween(a: number, b: number): number {
  return Math.round(Math.abs(a - b) / DAY_MS)
}
