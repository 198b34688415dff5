// One invocation on the stub's side, as a pure state machine. The caller performs the effects and steps again with their
// results. Every state can end in `over`.
//
//     connecting ──┬──────────────────────▶ sending ──▶ waiting ──▶ fetching ──▶ over
//                  └▶ placing ──▶ putting ──▶┘ ▲───────────┘ unknown, need, missing
//
// connecting: no connection is up yet       placing: the session was asked where to put a large event
// putting: the event goes to the store      sending: the invocation is leaving
// waiting: for an ack and the outcome       fetching: the answer comes from the store
//
// A mirrored call carries a copy of an event. It settles as soon as it is sent; after that it only answers a challenge.

import { notArrived } from '../link/undelivered.js'
import type { MissingMessage, SessionMessage } from '../wire/protocol.js'
import type {
  CallEffect,
  CallEvent,
  CallOutcome,
  CallState,
  CallStep,
  Facts,
  Failure,
  LastingEffect,
  LiveCall,
  Moment,
  Terms,
  Wait,
} from './call-state.js'
import { beginWait, dropsForSize, overdue, partsArrive, wakeAt } from './timing.js'

type Event<T> = CallEvent & { type: T }
type Waiting = Extract<CallState, { wait: Wait }>
type Sent = Extract<CallState, { phase: 'waiting' }>

/** Send errors of a broken connection: the link opens another, and `connected` follows. */
const PASSING: readonly string[] = ['UNREACHABLE', 'THROTTLED', 'CLOSED']
/** The state that an effect belongs to: its failure matters in no other. */
const PHASE_OF: Readonly<Record<LastingEffect['type'], LiveCall['phase']>> = {
  invoke: 'sending',
  resend: 'waiting',
  ask: 'waiting',
  presign: 'placing',
  put: 'putting',
  get: 'fetching',
}
const NO_EFFECTS: readonly CallEffect[] = []
const OVER: CallState = { phase: 'over' }
/** Settles a mirrored call. */
const LEFT: CallEffect = { type: 'settle', outcome: { kind: 'value', body: new Uint8Array() } }

/** A call's first step. */
export function begin(terms: Terms, moment: Moment): CallStep {
  const unknown = { ackedBy: undefined, outageAt: undefined, goodbye: undefined }
  const facts = { terms, ...unknown, stored: undefined, undelivered: undefined }
  return moment.connected ? submit(facts, moment) : stay({ phase: 'connecting', facts })
}

/** The transition for an event. */
export function step(state: CallState, event: CallEvent, moment: Moment): CallStep {
  if (state.phase === 'over') return stay(state)
  const { phase, facts } = state
  switch (event.type) {
    case 'message':
      return onMessage(state, event.message, moment)
    case 'part':
      return stay('wait' in state ? hear(state, { partAt: moment.now, heardAt: moment.now }) : state)
    case 'presence':
      return facts.terms.mirrored === undefined ? onPresence(state, event, moment) : stay(state)
    case 'wake':
      return onWake(state, moment)
    case 'connected':
      return onConnected(state, moment)
    case 'disconnected':
      if (phase === 'connecting' || facts.outageAt !== undefined) return stay(state)
      return stay(learn(state, { outageAt: moment.now }))
    case 'refused':
      if (phase !== 'connecting') return stay(state)
      return fail(state, { why: 'unreachable', forMs: moment.now - facts.terms.startedAt })
    case 'sent':
      if (phase !== 'sending') return stay(state)
      return {
        state: waiting(facts, moment, event.reference),
        effects: facts.terms.mirrored === undefined ? NO_EFFECTS : [LEFT],
      }
    case 'put':
      return phase === 'putting' ? submit({ ...facts, stored: event.stored }, moment) : stay(state)
    case 'got':
      return phase === 'fetching' ? settle({ kind: 'value', body: event.body }) : stay(state)
    case 'failed':
      return onFailed(state, event, moment)
    case 'stub closed':
      return fail(state, { why: 'stub closed' })
  }
}

/** Sends the invocation; a large event needs a place in the store first. */
function submit(facts: Facts, moment: Moment, withEnv = false): CallStep {
  const { bytesToStore: bytes, mirrored } = facts.terms
  const { now, storeless, closed } = moment
  if (mirrored !== undefined && closed) return { state: OVER, effects: [LEFT] }
  if (bytes !== undefined && facts.stored === undefined && !storeless) {
    return { state: { phase: 'placing', facts, wait: beginWait(now) }, effects: [{ type: 'presign', bytes }] }
  }
  return {
    state: { phase: 'sending', facts, sinceAt: now },
    effects: [{ type: 'invoke', facts, withEnv: withEnv || mirrored !== undefined, at: now }],
  }
}

function onMessage(state: LiveCall, message: SessionMessage, moment: Moment): CallStep {
  const { goodbye, terms } = state.facts
  if (terms.mirrored !== undefined && message.type !== 'challenge') return stay(state)
  // A message of the closed session itself was sent before its goodbye.
  const lives = goodbye !== undefined && goodbye.session !== message.session
  const heard = lives ? learn(state, { goodbye: undefined }) : state
  if (!('wait' in heard)) return answer(heard, message, moment)
  const next = answer(hear(heard, { heardAt: moment.now, renewed: false }), message, moment)
  const { heardAt, sinceAt } = heard.wait
  if (heardAt > sinceAt) return next
  return { state: next.state, effects: [{ type: 'latency', ms: moment.now - sinceAt }, ...next.effects] }
}

function answer(state: LiveCall, message: SessionMessage, moment: Moment): CallStep {
  const { phase, facts } = state
  switch (message.type) {
    case 'ack':
      return stay(facts.ackedBy === message.session ? state : learn(state, { ackedBy: message.session }))
    case 'result':
      if (message.stored === undefined) return settle({ kind: 'value', body: message.body! })
      // The session repeats its answer for each question.
      if (phase === 'fetching') return stay(state)
      return {
        state: learn({ phase: 'fetching', facts }, { ackedBy: message.session }),
        effects: [{ type: 'get', stored: message.stored }],
      }
    case 'error':
      return settle({ kind: 'error', error: message.error })
    case 'url': {
      if (phase !== 'placing') return stay(state)
      const { key, request, session: placedBy } = message
      // The session has no store; `moment.storeless` says so too, and the event goes inline.
      if (key === undefined || request === undefined) return submit(facts, moment)
      return { state: { phase: 'putting', facts }, effects: [{ type: 'put', key, request, placedBy }] }
    }
    case 'challenge':
      return {
        state,
        effects: [{ type: 'ask', sent: 'sent' in state ? state.sent : undefined, nonce: message.nonce }],
      }
    case 'decline': {
      const replaced = facts.ackedBy !== undefined && facts.ackedBy !== message.session
      return fail(state, { why: replaced ? 'replaced' : 'declined', reason: message.reason })
    }
    case 'need':
      return phase === 'waiting' ? submit(facts, moment, true) : stay(state)
    case 'missing':
      return phase === 'waiting' ? onMissing(state, message, moment) : stay(state)
    case 'unknown':
      return phase === 'waiting' ? onUnknown(state, message.session, moment) : stay(state)
  }
}

function onMissing(state: Sent, { sent, parts }: MissingMessage, moment: Moment): CallStep {
  if (sent !== state.sent) return submit(state.facts, moment)
  const next = learn(state, { undelivered: notArrived(state.facts.undelivered, parts.length, moment.now) })
  if (dropsForSize(next.facts, moment)) return fail(next, { why: 'dropped for its size' })
  return { state: next, effects: [{ type: 'resend', parts }] }
}

function onUnknown(before: Sent, session: string, moment: Moment): CallStep {
  const { ackedBy, undelivered: earlier, terms } = before.facts
  // A successor never was sent it.
  const isOther = ackedBy !== undefined && ackedBy !== session
  const state = learn(before, {
    undelivered: isOther ? undefined : notArrived(earlier, undefined, moment.now),
  })
  const { facts } = state
  if (dropsForSize(facts, moment)) return fail(state, { why: 'dropped for its size' })
  const { stored } = facts
  if (isOther && terms.options.onSessionLost === 'fail') return fail(state, { why: 'restarted' })
  // Another session than the one that named the place may have read and deleted the object.
  const isThere = ackedBy === undefined && stored?.placedBy === session
  return submit(isThere ? facts : { ...facts, stored: undefined }, moment)
}

/** Asks at once on a new connection: messages on the old one may be lost. */
function onConnected(state: LiveCall, moment: Moment): CallStep {
  if (state.phase === 'connecting') return submit(state.facts, moment)
  const outage = state.facts.outageAt !== undefined
  const next = outage ? learn(state, { outageAt: undefined }) : state
  if (!('wait' in next) || next.facts.terms.mirrored !== undefined) return stay(next)
  return { state: outage ? hear(next, { heardAt: moment.now }) : next, effects: [question(next)] }
}

function onPresence(state: LiveCall, event: Event<'presence'>, { now, online }: Moment): CallStep {
  const { told, session, closed } = event
  const { ackedBy, goodbye } = state.facts
  // Retained from before this invocation was sent: no answer is under way.
  if (closed && told === 'first' && ackedBy === undefined) return fail(state, { why: 'closed' })
  const again = closed && goodbye?.session === session
  const next = again ? state : learn(state, { goodbye: closed ? { session, at: now } : undefined })
  if (told !== 'news' || !('wait' in next)) return stay(next)
  // A new session has missed the earlier questions.
  return { state: hear(next, { heardAt: now }), effects: online ? [question(next)] : NO_EFFECTS }
}

function onWake(state: LiveCall, moment: Moment): CallStep {
  const { now } = moment
  if (now < wakeAt(state, moment)) return stay(state)
  const over = overdue(state, moment)
  if (over !== undefined) return fail(state, over)
  // The connection has accepted nothing for `ackTimeoutMs`.
  if (state.phase === 'sending') return { state: { ...state, sinceAt: now }, effects: [{ type: 'replace' }] }
  if (!('wait' in state)) return stay(state)
  const { wait } = state
  const asked = hear(state, { askedAt: now })
  // A question while parts of the answer arrive would have the answer sent twice.
  if (partsArrive(wait, now)) return stay(asked)
  // A frozen process may hold a dead connection. Once for each silence, since a session at a breakpoint is silent too.
  const unheard = wait.askedAt > wait.heardAt && !partsArrive(wait, wait.askedAt)
  if (!unheard || wait.renewed) return { state: asked, effects: [question(state)] }
  return { state: hear(asked, { renewed: true }), effects: [{ type: 'renew' }, question(state)] }
}

function onFailed(state: LiveCall, { effect, error }: Event<'failed'>, moment: Moment): CallStep {
  const { phase, facts } = state
  // Too late: the call has moved on.
  if (phase !== PHASE_OF[effect]) return stay(state)
  const isCopy = facts.terms.mirrored !== undefined
  // The broker knows that no session is connected. An acknowledged invocation waits for its successor.
  const isAbsent = error.details.absent === true && facts.ackedBy === undefined
  if (isAbsent && !isCopy) return fail(state, { why: 'absent', error })
  // Not repeated: the next question is due soon.
  if (effect === 'ask' || effect === 'presign') return stay(state)
  if (isCopy || !PASSING.includes(error.code)) return fail(state, { why: 'error', error })
  return stay(phase === 'sending' ? waiting(facts, moment, undefined) : state)
}

function question(state: LiveCall): CallEffect {
  const bytes = state.facts.terms.bytesToStore
  if (state.phase === 'placing' && bytes !== undefined) return { type: 'presign', bytes }
  return { type: 'ask', sent: state.phase === 'waiting' ? state.sent : undefined }
}

function waiting(facts: Facts, { now }: Moment, sent: string | undefined): CallState {
  return { phase: 'waiting', facts, wait: beginWait(now), sent }
}

function learn<S extends LiveCall>(state: S, facts: Partial<Facts>): S {
  return { ...state, facts: { ...state.facts, ...facts } }
}

function hear<S extends Waiting>(state: S, wait: Partial<Wait>): S {
  return { ...state, wait: { ...state.wait, ...wait } }
}

function stay(state: CallState): CallStep {
  return { state, effects: NO_EFFECTS }
}

function settle(outcome: CallOutcome): CallStep {
  return { state: OVER, effects: [{ type: 'settle', outcome }] }
}

function fail({ phase, facts }: LiveCall, failure: Failure): CallStep {
  // The session can stop, unless nothing was sent or nothing runs.
  const unheard = phase === 'connecting' || failure.why === 'declined' || failure.why === 'absent'
  const cancel = !unheard && facts.terms.mirrored === undefined
  return { state: OVER, effects: [{ type: 'fail', failure, cancel }] }
}
