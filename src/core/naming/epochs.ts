import type { SessionIdentity } from '../contracts/transport.js'

const DAY_MS = 86_400_000

/** Whether the name is `a`'s and not `b`'s. */
export function outranks(a: SessionIdentity, b: SessionIdentity): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.session > b.session)
}

/** Whether a time is a day or more after `now`: an epoch, which is the time of an opening, would break the name for as long. */
export function isFarAhead(at: number, now: number): boolean {
  return at - now > DAY_MS
}

/**
 * Whether a stub claims an epoch that no session should take its name above. Sooner than {@link isFarAhead}: a session that is forged
 * upon raises its epoch to this bound, where stubs, sessions and a relay whose clocks are behind still take it.
 */
export function isTooFarAhead(claimed: number, now: number): boolean {
  return claimed - now > DAY_MS / 2
}

/** Whether two times are more than a day apart. */
export function isFarApart(a: number, b: number): boolean {
  return Math.abs(a - b) > DAY_MS
}

/** How far apart two times are, in days: for people. */
export function daysBetween(a: number, b: number): number {
  return Math.round(Math.abs(a - b) / DAY_MS)
}
