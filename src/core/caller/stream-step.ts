// A call with a streaming response: the part of `call.ts` that begins with the first chunk.

import type { SessionMessage } from '../wire/protocol.js'
import type { CallEvent, CallState, CallStep, LiveCall, Moment } from './call-state.js'
import { fail, hear, learn, stay } from './call-step.js'
import type { StreamMessage } from './stream-body.js'
import { beginWait } from './timing.js'

type Streaming = Extract<CallState, { phase: 'streaming' }>

/** How long after it was overtaken a chunk is asked for: it may have taken another way, and arrive by itself. */
const OVERTAKEN_MS = 100
/** How long after a request for a chunk it is asked for again. */
const ASK_AGAIN_MS = 500

/** The transition for the first message of a stream. */
export function onStreamBegins(state: LiveCall, message: StreamMessage, moment: Moment): CallStep {
  const { facts } = state
  if (facts.terms.input.streams !== true) return stay(state)
  const { session } = message
  const streaming: Streaming = { phase: 'streaming', facts, wait: beginWait(moment.now), gapAt: undefined }
  return receive(learn(streaming, { ackedBy: session }), message)
}

/** The transition for a message about a stream that has begun. */
export function onStreamMessage(state: Streaming, message: SessionMessage, { now }: Moment): CallStep {
  const { ackedBy } = state.facts
  // Another session does not have the stream, and the bytes already read cannot be taken back.
  if (message.session !== ackedBy || message.type === 'unknown') return fail(state, { why: 'broken off' })
  const heard = hear(state, { heardAt: now, renewed: false })
  switch (message.type) {
    case 'chunk':
    case 'end':
      return receive({ ...state, wait: beginWait(now) }, message)
    case 'error':
      return receive(heard, message)
    default:
      return stay(heard)
  }
}

/** The transition once the stream's body has taken a message. */
export function onReceived(
  state: Streaming,
  { gap, complete }: CallEvent & { type: 'received' },
  { now }: Moment,
): CallStep {
  if (complete) return { state: { phase: 'over' }, effects: [{ type: 'received all' }] }
  if (!gap) return stay(state.gapAt === undefined ? state : { ...state, gapAt: undefined })
  return stay(state.gapAt === undefined ? { ...state, gapAt: now + OVERTAKEN_MS } : state)
}

/** Asks for missing chunks when that is due. */
export function onGap(state: Streaming, { now }: Moment): CallStep | undefined {
  if (state.gapAt === undefined || now < state.gapAt) return undefined
  return { state: { ...state, gapAt: now + ASK_AGAIN_MS }, effects: [{ type: 'credit', asks: false }] }
}

function receive(state: Streaming, message: StreamMessage): CallStep {
  return { state, effects: [{ type: 'receive', message }] }
}
