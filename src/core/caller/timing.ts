import type { CallState, Facts, Failure, LiveCall, Moment, Terms, Wait } from './call-state.js'

// From the invocation's last frame, then every three seconds while local code runs: a lost message is a delay.
const ASK_AT_MS = [300, 800, 1_800] as const
const LAST_ASK_MS = 1_800
const ASK_EVERY_MS = 3_000
const AFTER_ACK_MS = 500
const BEFORE_SILENCE_ENDS_MS = 400
const MAX_STRETCH = 3
/** Parts of an answer that stopped coming for this long are asked for. */
const PARTS_STALL_MS = 1_000
/** An answer may arrive this long after its session's goodbye. */
const GOODBYE_MS = 1_000
/** How many times longer silence may last where the broker says that a session is there. */
const ONLINE_PATIENCE = 4
/** What of a copy has not left by then belongs to a process that was frozen, or to a connection that takes nothing. */
const MIRROR_LIFE_MS = 5_000

/** A wait that begins now. */
export function beginWait(now: number): Wait {
  const never = Number.NEGATIVE_INFINITY
  return { sinceAt: now, heardAt: now, partAt: never, asked: 0, askedAt: never, renewed: false }
}

/** When the wait ends, whatever was heard: early enough for an error or a fallback. */
function giveUpAt({ startedAt, input: { remainingMs }, options, mirrored }: Terms): number {
  if (mirrored !== undefined) return startedAt + MIRROR_LIFE_MS
  // A function with little time keeps half of it for waiting.
  return startedAt + remainingMs - Math.min(options.deadlineMarginMs, remainingMs / 2)
}

/** When a call has something to do, if nothing happens before. */
export function wakeAt(state: CallState, moment: Moment): number {
  if (state.phase === 'over') return Number.POSITIVE_INFINITY
  const { facts } = state
  const { terms } = facts
  const endsAt = giveUpAt(terms)
  if (terms.mirrored !== undefined) return endsAt
  if (state.phase === 'connecting')
    return Math.min(endsAt, terms.startedAt + connectMs(terms, terms.startedAt))
  if (state.phase === 'sending') return Math.min(endsAt, state.checkAt)
  if (!('wait' in state)) return endsAt
  return Math.min(endsAt, askAt(facts, state.wait, moment), silentAt(facts, state.wait, moment.online))
}

/** What has lasted too long; undefined while there is time. */
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

/** When silence, an outage or a goodbye has lasted too long. */
function silentAt({ terms, ackedBy, outageAt, goodbye }: Facts, wait: Wait, online: boolean): number {
  const goodbyeEndsAt =
    goodbye === undefined ? Number.POSITIVE_INFINITY : Math.max(goodbye.at, wait.heardAt) + GOODBYE_MS
  if (ackedBy !== undefined) return goodbyeEndsAt
  if (outageAt !== undefined) return outageAt + connectMs(terms, outageAt)
  // A session that is there is silent where its broker is overloaded.
  const { ackTimeoutMs } = terms.options
  const patienceMs = online ? ONLINE_PATIENCE * ackTimeoutMs : ackTimeoutMs
  const silenceMs = Math.min(patienceMs, halfOfWhatIsLeft(terms, wait.heardAt))
  return Math.min(wait.heardAt + silenceMs, goodbyeEndsAt)
}

/** When the next question is due. */
function askAt(facts: Facts, wait: Wait, moment: Moment): number {
  const dueAt = questionAt(facts, wait, wait.asked, moment)
  // A session that has just said that it runs the invocation has no more to say yet.
  const at = facts.ackedBy === undefined ? dueAt : Math.max(dueAt, wait.heardAt + AFTER_ACK_MS)
  // Once more before the wait ends, unless that is at once.
  const lastAt = silentAt(facts, wait, moment.online) - BEFORE_SILENCE_ENDS_MS
  return lastAt > Math.max(wait.askedAt, wait.sinceAt) ? Math.min(at, lastAt) : at
}

/** How many questions are behind then: those that a frozen process has missed are not made up for. */
export function askedUntil(facts: Facts, wait: Wait, moment: Moment): number {
  let { asked } = wait
  do asked++
  while (questionAt(facts, wait, asked, moment) <= moment.now)
  return asked
}

/** Whether parts of the answer keep arriving: asking would have it sent twice. */
export function partsArrive({ partAt }: Wait, now: number): boolean {
  return now - partAt <= PARTS_STALL_MS
}

/** How long connecting may take that begins then, in milliseconds. */
function connectMs(terms: Terms, from: number): number {
  return Math.min(terms.options.connectTimeoutMs, halfOfWhatIsLeft(terms, from))
}

// Waiting for nobody takes no more: the other half is for what happens instead, such as the function's own code.
function halfOfWhatIsLeft(terms: Terms, from: number): number {
  return Math.max(0, giveUpAt(terms) - from) / 2
}

function questionAt({ ackedBy }: Facts, { sinceAt }: Wait, index: number, { latencyMs }: Moment): number {
  // Where answers take long, asking early only makes them take longer.
  const stretch = Math.min(MAX_STRETCH, Math.max(1, (2 * latencyMs) / ASK_AT_MS[0]))
  const more = index - ASK_AT_MS.length + 1
  // Known to run, it is asked for regularly; unheard, ever less often, since many may be waiting.
  const late = ackedBy === undefined ? LAST_ASK_MS * 2 ** more : LAST_ASK_MS + more * ASK_EVERY_MS
  return sinceAt + (ASK_AT_MS[index] ?? late) * stretch
}
