import { isDropped } from '../link/undelivered.js'
import type { CallState, Facts, Failure, LiveCall, Moment, Terms, Wait } from './call-state.js'

// From the invocation's last frame, then every three seconds while local code runs: a lost message is a delay.
const ASK_AT_MS = [300, 800, 1_800] as const
const LAST_ASK_MS = 1_800
const ASK_EVERY_MS = 3_000
const AFTER_ACK_MS = 500
const BEFORE_SILENCE_ENDS_MS = 400
const MAX_STRETCH = 3
/** Missing parts are asked for after this pause. */
const PARTS_STALL_MS = 1_000
/** An answer may arrive this long after its session's goodbye. */
const GOODBYE_MS = 1_000
/** How many times longer silence may last while presence says online. */
const ONLINE_PATIENCE = 4
/** A mirrored call not sent by then met a freeze or a dead connection. */
const MIRROR_LIFE_MS = 5_000

/** A wait that begins now. */
export function beginWait(now: number): Wait {
  const never = Number.NEGATIVE_INFINITY
  return { sinceAt: now, heardAt: now, partAt: never, askedAt: never, renewed: false }
}

/** When the wait ends at the latest: early enough before the deadline for an error or a fallback. */
function giveUpAt({
  startedAt,
  input: { remainingMs },
  options,
  mirrored,
}: Pick<Terms, 'options' | 'input' | 'startedAt' | 'mirrored'>): number {
  if (mirrored !== undefined) return startedAt + MIRROR_LIFE_MS
  // With little time left, half of it is kept for waiting.
  return startedAt + remainingMs - Math.min(options.deadlineMarginMs, remainingMs / 2)
}

/** When the call must be woken, unless an event comes first. */
export function wakeAt(state: CallState, moment: Moment): number {
  if (state.phase === 'over') return Number.POSITIVE_INFINITY
  const { facts } = state
  const { terms } = facts
  const endsAt = giveUpAt(terms)
  if (terms.mirrored !== undefined) return endsAt
  if (state.phase === 'connecting')
    return Math.min(endsAt, terms.startedAt + connectMs(terms, terms.startedAt))
  if (state.phase === 'sending') {
    return Math.min(endsAt, Math.max(state.sinceAt, moment.activeAt) + terms.options.ackTimeoutMs)
  }
  if (!('wait' in state)) return endsAt
  const gapAt = state.phase === 'streaming' ? state.gapAt : undefined
  const nextAt = Math.min(askAt(facts, state.wait, moment), gapAt ?? Number.POSITIVE_INFINITY)
  return Math.min(endsAt, nextAt, silentAt(facts, state.wait, moment.online))
}

/** The failure of a call that is out of time; undefined while there is time. */
export function overdue(state: LiveCall, { now, online }: Moment): Failure | undefined {
  const { phase, facts } = state
  const { terms, ackedBy, goodbye, outageAt } = facts
  const { startedAt, input } = terms
  if (now >= giveUpAt(terms)) {
    if (terms.mirrored !== undefined) return { why: 'dropped' }
    const was = ackedBy !== undefined ? 'running' : phase === 'connecting' ? 'connecting' : 'unheard'
    return { why: 'deadline', was, leftMs: startedAt + input.remainingMs - now }
  }
  if (phase === 'connecting') return { why: 'unreachable', forMs: now - startedAt }
  if (!('wait' in state) || now < silentAt(facts, state.wait, online)) return undefined
  if (goodbye !== undefined) return { why: ackedBy === undefined ? 'closed' : 'closed while running' }
  if (outageAt !== undefined) return { why: 'unreachable', forMs: now - outageAt }
  return { why: 'silence', forMs: now - state.wait.heardAt }
}

/** Whether the broker evidently drops the invocation because of its size. */
export function dropsForSize({ terms, stored, undelivered }: Facts, { now }: Moment): boolean {
  if (undelivered === undefined || stored !== undefined) return false
  const patienceMs = Math.min(terms.options.ackTimeoutMs, halfOfWhatIsLeft(terms, undelivered.sinceAt))
  return isDropped(undelivered, terms.frameBytes, patienceMs, now)
}

/** When silence, an outage or a goodbye has lasted too long. */
function silentAt({ terms, ackedBy, outageAt, goodbye }: Facts, wait: Wait, online: boolean): number {
  const goodbyeEndsAt =
    goodbye === undefined ? Number.POSITIVE_INFINITY : Math.max(goodbye.at, wait.heardAt) + GOODBYE_MS
  if (ackedBy !== undefined) return goodbyeEndsAt
  if (outageAt !== undefined) return outageAt + connectMs(terms, outageAt)
  // An overloaded broker can silence a session that is present. In a team, a session that died silently must not cost
  // more time than a single one.
  const { ackTimeoutMs, team } = terms.options
  const patienceMs = online && team === undefined ? ONLINE_PATIENCE * ackTimeoutMs : ackTimeoutMs
  const silenceMs = Math.min(patienceMs, halfOfWhatIsLeft(terms, wait.heardAt))
  return Math.min(wait.heardAt + silenceMs, goodbyeEndsAt)
}

/** When the next question is due. Questions missed in a freeze are skipped. */
function askAt(facts: Facts, wait: Wait, moment: Moment): number {
  const { sinceAt, heardAt, askedAt } = wait
  const acked = facts.ackedBy !== undefined
  // If answers take long, asking early only delays them further.
  const stretch = Math.min(MAX_STRETCH, Math.max(1, (2 * moment.latencyMs) / ASK_AT_MS[0]))
  let asked = 0
  while (sinceAt + questionMs(asked, acked) * stretch <= askedAt) asked++
  const dueAt = sinceAt + questionMs(asked, acked) * stretch
  // Right after an ack, the session has no news.
  const at = acked ? Math.max(dueAt, heardAt + AFTER_ACK_MS) : dueAt
  // Once more before the wait ends, unless that is now.
  const lastAt = silentAt(facts, wait, moment.online) - BEFORE_SILENCE_ENDS_MS
  return lastAt > Math.max(askedAt, sinceAt) ? Math.min(at, lastAt) : at
}

/** Whether parts of the answer are arriving. */
export function partsArrive({ partAt }: Wait, now: number): boolean {
  return now - partAt <= PARTS_STALL_MS
}

/** How long connecting may take from a given time, in milliseconds. */
export function connectMs(
  terms: Pick<Terms, 'options' | 'input' | 'startedAt' | 'mirrored'>,
  from: number,
): number {
  return Math.min(terms.options.connectTimeoutMs, halfOfWhatIsLeft(terms, from))
}

// The other half is for the fallback, such as the function's own code.
function halfOfWhatIsLeft(terms: Parameters<typeof giveUpAt>[0], from: number): number {
  return Math.max(0, giveUpAt(terms) - from) / 2
}

function questionMs(index: number, acked: boolean): number {
  const more = index - ASK_AT_MS.length + 1
  // A running invocation is asked for regularly; without an answer, ever less often, since many may be waiting.
  return ASK_AT_MS[index] ?? (acked ? LAST_ASK_MS + more * ASK_EVERY_MS : LAST_ASK_MS * 2 ** more)
}
