import type { SessionMessage, UrlMessage } from '../wire/protocol.js'
import type {
  CallEffect,
  CallEvent,
  CallOutcome,
  CallState,
  CallStep,
  Facts,
  Failure,
  LiveCall,
  Moment,
  Terms,
  Wait,
} from './call-state.js'
import { askedUntil, beginWait, overdue, partsArrive, wakeAt } from './timing.js'

// One invocation on the stub's side, as a pure state machine: the caller performs the effects, and steps again with what
// becomes of them. Any state may turn into `over`.
//
//     connecting ──┬──────────────────────▶ sending ──▶ waiting ──▶ fetching ──▶ over
//                  └▶ placing ──▶ putting ──▶┘ ▲───────────┘ unknown, need, missing
//
// connecting: no connection is up yet       placing: the session was asked where to put a large event
// putting: the event goes to the store      sending: the invocation is leaving
// waiting: for word of it, and its outcome  fetching: the answer comes from the store
//
// A mirrored call is a copy that nobody waits for: it is settled when it has left, and then answers a challenge.

type Event<T> = CallEvent & { type: T }
type Waiting = Extract<CallState, { wait: Wait }>

/** A message that is still leaving then may be on a connection that takes nothing. */
const CHECK_SENDING_MS = 300
/** The connection has broken, and the next one brings `connected`. */
const PASSING: readonly string[] = ['UNREACHABLE', 'THROTTLED', 'CLOSED']
/** The state in which an effect's failure matters. */
const PHASE_OF: { readonly [E in CallEffect['type']]?: LiveCall['phase'] } = {
  invoke: 'sending',
  resend: 'waiting',
  ask: 'waiting',
  presign: 'placing',
  put: 'putting',
  get: 'fetching',
}
const NO_EFFECTS: readonly CallEffect[] = []
const OVER: CallState = { phase: 'over' }
/** What a mirrored call is settled with. */
const LEFT: CallEffect = { type: 'settle', outcome: { kind: 'value', body: new Uint8Array() } }

/** A call's first step. */
export function begin(terms: Terms, moment: Moment): CallStep {
  const facts = { terms, ackedBy: undefined, outageAt: undefined, goodbye: undefined, stored: undefined }
  return moment.connected ? submit(facts, moment) : stay({ phase: 'connecting', facts })
}

/** What an event makes of a call. */
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
    case 'sent': {
      if (phase !== 'sending') return stay(state)
      const effects = facts.terms.mirrored === undefined ? NO_EFFECTS : [LEFT]
      return { state: waiting(facts, moment, event.reference), effects }
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

/** Sends the invocation, or asks for a place where its event goes first. */
function submit(facts: Facts, moment: Moment, withEnv = false): CallStep {
  const { bytesToStore: bytes, mirrored } = facts.terms
  const { now, storeless, closed } = moment
  if (mirrored !== undefined && closed) return { state: OVER, effects: [LEFT] }
  if (bytes !== undefined && facts.stored === undefined && !storeless) {
    return { state: { phase: 'placing', facts, wait: beginWait(now) }, effects: [{ type: 'presign', bytes }] }
  }
  const state = { phase: 'sending', facts, sinceAt: now, checkAt: now + CHECK_SENDING_MS } as const
  return { state, effects: [{ type: 'invoke', facts, withEnv: withEnv || mirrored !== undefined }] }
}

function onMessage(state: LiveCall, message: SessionMessage, moment: Moment): CallStep {
  const { now } = moment
  const { goodbye, terms } = state.facts
  if (terms.mirrored !== undefined && message.type !== 'challenge') return stay(state)
  // A session that has closed may have said this before.
  const lives = goodbye !== undefined && goodbye.session !== message.session
  const heard = lives ? learn(state, { goodbye: undefined }) : state
  if (!('wait' in heard)) return answer(heard, message, moment)
  const next = answer(hear(heard, { heardAt: now, renewed: false }), message, moment)
  const { heardAt, sinceAt } = heard.wait
  if (heardAt > sinceAt) return next
  return { state: next.state, effects: [{ type: 'latency', ms: now - sinceAt }, ...next.effects] }
}

function answer(state: LiveCall, message: SessionMessage, moment: Moment): CallStep {
  const { phase, facts } = state
  switch (message.type) {
    case 'ack':
      return stay(facts.ackedBy === message.session ? state : learn(state, { ackedBy: message.session }))
    case 'result':
      if (message.stored === undefined) return settle({ kind: 'value', body: message.body! })
      // Asked twice, it is answered twice.
      if (phase === 'fetching') return stay(state)
      return {
        state: learn({ phase: 'fetching', facts }, { ackedBy: message.session }),
        effects: [{ type: 'get', stored: message.stored }],
      }
    case 'error':
      return settle({ kind: 'error', error: message.error })
    case 'url':
      return phase === 'placing' ? onPlace(facts, message, moment) : stay(state)
    case 'challenge':
      return { state, effects: [question(state)] }
    case 'decline': {
      const lost = facts.ackedBy !== undefined && facts.ackedBy !== message.session
      return fail(state, { why: lost ? 'declined by successor' : 'declined', reason: message.reason })
    }
    case 'need':
      return phase === 'waiting' ? submit(facts, moment, true) : stay(state)
    case 'missing':
      if (phase !== 'waiting') return stay(state)
      if (message.sent !== state.sent) return submit(facts, moment)
      return { state, effects: [{ type: 'resend', parts: message.parts }] }
    case 'unknown':
      return phase === 'waiting' ? onUnknown(state, message.session, moment) : stay(state)
  }
}

function onPlace(facts: Facts, { key, request, session }: UrlMessage, moment: Moment): CallStep {
  // There is no store, as the moment says as well.
  if (key === undefined || request === undefined) return submit(facts, moment)
  return { state: { phase: 'putting', facts }, effects: [{ type: 'put', key, request, placedBy: session }] }
}

function onUnknown(state: Waiting, session: string, moment: Moment): CallStep {
  const { facts } = state
  const { ackedBy, stored, terms } = facts
  const lost = ackedBy !== undefined && ackedBy !== session
  if (lost && terms.options.onSessionLost === 'fail') return fail(state, { why: 'restarted' })
  // Any session but the one that named its place may have read the object, and deleted it.
  const isThere = ackedBy === undefined && stored?.placedBy === session
  return submit(isThere ? facts : { ...facts, stored: undefined }, moment)
}

/** Another connection is up: what was sent on the old one may be lost. */
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
  // Left from before this invocation was sent: nothing of it is under way.
  if (closed && told === 'first' && ackedBy === undefined) return fail(state, { why: 'closed' })
  const again = closed && goodbye?.session === session
  const next = again ? state : learn(state, { goodbye: closed ? { session, at: now } : undefined })
  if (told !== 'news' || !('wait' in next)) return stay(next)
  // A session that has come since has missed what was asked.
  return { state: hear(next, { heardAt: now }), effects: online ? [question(next)] : NO_EFFECTS }
}

function onWake(state: LiveCall, moment: Moment): CallStep {
  const { now } = moment
  const { facts } = state
  if (now < wakeAt(state, moment)) return stay(state)
  const over = overdue(state, moment)
  if (over !== undefined) return fail(state, over)
  if (state.phase === 'sending') {
    const { ackTimeoutMs } = facts.terms.options
    const idleAt = Math.max(moment.activeAt, state.sinceAt) + ackTimeoutMs
    if (now < idleAt) return stay({ ...state, checkAt: idleAt })
    return { state: { ...state, checkAt: now + ackTimeoutMs }, effects: [{ type: 'replace' }] }
  }
  if (!('wait' in state)) return stay(state)
  const { wait } = state
  const asked = hear(state, { asked: askedUntil(facts, wait, moment), askedAt: now })
  // Asking while parts of the answer keep coming would have it sent twice.
  if (partsArrive(wait, now)) return stay(asked)
  // A frozen process may hold a dead connection. Once for each silence, since a session at a breakpoint is silent too.
  const unheard = wait.askedAt > wait.heardAt && !partsArrive(wait, wait.askedAt)
  if (!unheard || wait.renewed) return { state: asked, effects: [question(state)] }
  return { state: hear(asked, { renewed: true }), effects: [{ type: 'renew' }, question(state)] }
}

function onFailed(state: LiveCall, { effect, error }: Event<'failed'>, moment: Moment): CallStep {
  const { phase, facts } = state
  // Else what it was for has come otherwise.
  if (phase !== PHASE_OF[effect]) return stay(state)
  const isCopy = facts.terms.mirrored !== undefined
  // The broker knows that no session is connected. An acknowledged invocation waits for its successor.
  const isAbsent = error.details.absent === true && facts.ackedBy === undefined
  if (isAbsent && !isCopy) return fail(state, { why: 'absent', error })
  // The next question is due soon.
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
  // Whoever runs it may stop; before it was sent, or where nothing runs, nobody needs to hear.
  const unheard = phase === 'connecting' || failure.why === 'declined' || failure.why === 'absent'
  const cancel = !unheard && facts.terms.mirrored === undefined
  return { state: OVER, effects: [{ type: 'fail', failure, cancel }] }
}
