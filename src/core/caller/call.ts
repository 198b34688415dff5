// One invocation on the stub's side, as a pure state machine. The caller performs the effects and steps again with their
// results. Every state can end in `over`.
//
//     connecting ──┬──────────────────────▶ sending ──▶ waiting ──▶ fetching ──▶ over
//                  └▶ placing ──▶ putting ──▶┘ ▲───────────┤ unknown, need, missing
//                                                          └──▶ streaming ──▶ over
//
// connecting: no connection is up yet       placing: the session was asked where to put a large event
// putting: the event goes to the store      sending: the invocation is leaving
// waiting: for an ack and the outcome       fetching: the answer comes from the store
// streaming: the response has begun (see stream-step.ts)
//
// A mirrored call carries a copy of an event. It settles as soon as it is sent; after that it only answers a challenge.

import { onMessage } from './call-message.js'
import type { CallEvent, CallState, CallStep, LastingEffect, LiveCall, Moment, Terms } from './call-state.js'
import {
  fail,
  hear,
  LEFT,
  learn,
  NO_EFFECTS,
  question,
  settleCall,
  stay,
  submit,
  waiting,
} from './call-step.js'
import { onGap, onReceived } from './stream-step.js'
import { overdue, partsArrive, wakeAt } from './timing.js'

type Event<T> = CallEvent & { type: T }

/** Send errors of a broken connection: the link opens another, and `connected` follows. */
const PASSING: readonly string[] = ['UNREACHABLE', 'THROTTLED', 'CLOSED']
/** Before the first answer, a refusal of the broker may concern everything that this call has sent. */
const UNANSWERED: readonly LiveCall['phase'][] = ['connecting', 'placing', 'sending', 'waiting']
/** The state in which an effect's failure matters. */
const PHASE_OF: Readonly<Record<LastingEffect['type'], LiveCall['phase']>> = {
  invoke: 'sending',
  resend: 'waiting',
  ask: 'waiting',
  presign: 'placing',
  put: 'putting',
  get: 'fetching',
  credit: 'streaming',
}

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
      // A session that has the invocation may still answer.
      if (!UNANSWERED.includes(phase) || facts.ackedBy !== undefined) return stay(state)
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
      return phase === 'fetching' ? settleCall({ kind: 'value', body: event.body }) : stay(state)
    case 'failed':
      return onFailed(state, event, moment)
    case 'received':
      return phase === 'streaming' ? onReceived(state, event, moment) : stay(state)
    case 'taken':
      return phase === 'streaming' ? { state, effects: [{ type: 'credit', asks: false }] } : stay(state)
    case 'returned':
      return fail(state, { why: 'returned' })
    case 'stub closed':
      return fail(state, { why: 'stub closed' })
  }
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
  // A new session has missed earlier questions.
  return { state: hear(next, { heardAt: now }), effects: online ? [question(next)] : NO_EFFECTS }
}

function onWake(state: LiveCall, moment: Moment): CallStep {
  const { now } = moment
  if (now < wakeAt(state, moment)) return stay(state)
  const over = overdue(state, moment)
  if (over !== undefined) return fail(state, over)
  const gap = state.phase === 'streaming' ? onGap(state, moment) : undefined
  if (gap !== undefined) return gap
  // The connection has accepted nothing for `ackTimeoutMs`.
  if (state.phase === 'sending') return { state: { ...state, sinceAt: now }, effects: [{ type: 'replace' }] }
  if (!('wait' in state)) return stay(state)
  const { wait } = state
  const asked = hear(state, { askedAt: now })
  // Asking while parts of the answer arrive would have the answer sent twice.
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
  if (effect === 'ask' || effect === 'presign' || effect === 'credit') return stay(state)
  if (isCopy || !PASSING.includes(error.code)) return fail(state, { why: 'error', error })
  return stay(phase === 'sending' ? waiting(facts, moment, undefined) : state)
}
