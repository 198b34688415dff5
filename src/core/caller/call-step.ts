// The parts of a call's transitions.

import type {
  CallEffect,
  CallOutcome,
  CallState,
  CallStep,
  Facts,
  Failure,
  LiveCall,
  Moment,
  Wait,
} from './call-state.js'
import { beginWait } from './timing.js'

type Waiting = Extract<CallState, { wait: Wait }>

export const NO_EFFECTS: readonly CallEffect[] = []
const OVER: CallState = { phase: 'over' }
/** Settles a mirrored call. */
export const LEFT: CallEffect = { type: 'settle', outcome: { kind: 'value', body: new Uint8Array() } }

/** Sends the invocation; a large event needs a place in the store first. */
export function submit(facts: Facts, moment: Moment, withEnv = false): CallStep {
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

/** The question for a waiting call. */
export function question(state: LiveCall): CallEffect {
  const bytes = state.facts.terms.bytesToStore
  if (state.phase === 'placing' && bytes !== undefined) return { type: 'presign', bytes }
  if (state.phase === 'streaming') return { type: 'credit', asks: true }
  return { type: 'ask', sent: state.phase === 'waiting' ? state.sent : undefined }
}

/** The state after the invocation has left; `sent` is its reference if all of it has. */
export function waiting(facts: Facts, { now }: Moment, sent: string | undefined): CallState {
  return { phase: 'waiting', facts, wait: beginWait(now), sent }
}

/** The state with changed facts. */
export function learn<S extends LiveCall>(state: S, facts: Partial<Facts>): S {
  return { ...state, facts: { ...state.facts, ...facts } }
}

/** The state with changed progress of its wait. */
export function hear<S extends Waiting>(state: S, wait: Partial<Wait>): S {
  return { ...state, wait: { ...state.wait, ...wait } }
}

/** A step without effects. */
export function stay(state: CallState): CallStep {
  return { state, effects: NO_EFFECTS }
}

/** Ends the call with the session's answer. */
export function settleCall(outcome: CallOutcome): CallStep {
  return { state: OVER, effects: [{ type: 'settle', outcome }] }
}

/** Ends the call without an answer. */
export function fail({ phase, facts }: LiveCall, failure: Failure): CallStep {
  // The session can stop, unless nothing was sent or nothing runs.
  const unheard = phase === 'connecting' || failure.why === 'declined' || failure.why === 'absent'
  const cancel = !unheard && facts.terms.mirrored === undefined
  return { state: OVER, effects: [{ type: 'fail', failure, cancel }] }
}
