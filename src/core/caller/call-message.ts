import { notArrived } from '../link/undelivered.js'
import type { MissingMessage, SessionMessage } from '../wire/protocol.js'
import type { CallState, CallStep, LiveCall, Moment } from './call-state.js'
import { fail, hear, learn, settleCall, stay, submit } from './call-step.js'
import { onStreamBegins, onStreamMessage } from './stream-step.js'
import { dropsForSize } from './timing.js'

type Sent = Extract<CallState, { phase: 'waiting' }>

/** The transition for a message of a session. */
export function onMessage(state: LiveCall, message: SessionMessage, moment: Moment): CallStep {
  const { goodbye, terms } = state.facts
  if (terms.mirrored !== undefined && message.type !== 'challenge') return stay(state)
  // The closed session sent this message before its goodbye.
  const lives = goodbye !== undefined && goodbye.session !== message.session
  const heard = lives ? learn(state, { goodbye: undefined }) : state
  if (heard.phase === 'streaming') return onStreamMessage(heard, message, moment)
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
      if (message.stored === undefined) return settleCall({ kind: 'value', body: message.body! })
      // The session repeats its answer for each question.
      if (phase === 'fetching') return stay(state)
      return {
        state: learn({ phase: 'fetching', facts }, { ackedBy: message.session }),
        effects: [{ type: 'get', stored: message.stored }],
      }
    case 'error':
      return settleCall({ kind: 'error', error: message.error })
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
      return fail(state, {
        why: replaced ? 'replaced' : 'declined',
        reason: message.reason,
        session: message.session,
      })
    }
    case 'need':
      return phase === 'waiting' ? submit(facts, moment, true) : stay(state)
    case 'missing':
      return phase === 'waiting' ? onMissing(state, message, moment) : stay(state)
    case 'unknown':
      return phase === 'waiting' ? onUnknown(state, message.session, moment) : stay(state)
    case 'chunk':
    case 'end':
      return onStreamBegins(state, message, moment)
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
  // A successor never received the invocation.
  const isOther = ackedBy !== undefined && ackedBy !== session
  const state = learn(before, {
    undelivered: isOther ? undefined : notArrived(earlier, undefined, moment.now),
  })
  const { facts } = state
  if (dropsForSize(facts, moment)) return fail(state, { why: 'dropped for its size' })
  const { stored } = facts
  if (isOther && terms.options.onSessionLost === 'fail') return fail(state, { why: 'restarted' })
  // A session other than `placedBy` may have read and deleted the object.
  const isThere = ackedBy === undefined && stored?.placedBy === session
  return submit(isThere ? facts : { ...facts, stored: undefined }, moment)
}
