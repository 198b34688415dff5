import { randomBytes } from 'node:crypto'
import { defined } from '../base/defined.js'
import { type TraceContext, traceOf } from '../base/diagnostics.js'
import { mayBeMissing } from '../payload/store-failure.js'
import type { AskMessage, InvokeMessage, StoredBody } from '../wire/protocol.js'
import type { Desk, Question } from './desk.js'
import { type Arrival, failure, Invocation } from './invocation.js'
import type { In, Open } from './records.js'
import { start } from './runner.js'

/** After this long without a part, one is assumed lost and the stub must send it again. */
const STALL_MS = 1_000
/** How long an incomplete invocation, and every message number, is remembered. */
export const REMEMBERED_MS = 60_000
/** How long a stub may take to answer a challenge. */
const HOLD_MS = 10_000
const CLOCK_TOLERANCE_MS = 30_000
/** The longest that one part of a message is assumed to travel, waits for a new connection included. */
const TRAVEL_MS = 5_000
const NOTHING: Uint8Array = new Uint8Array()

type Waiting = In<'unknown' | 'arriving' | 'challenged'>

/** Records the arrival of a part, and acknowledges the first. */
export function part(desk: Desk, record: In<'unknown' | 'arriving'>): void {
  const now = desk.clock.now()
  const { id, from } = record
  const firstAt = record.state === 'arriving' ? record.firstAt : now
  desk.records.put({ state: 'arriving', id, from, deadline: now + REMEMBERED_MS, firstAt, lastAt: now })
  if (record.state === 'unknown') desk.say(from, { type: 'ack', id })
}

/** Begins an invocation that has arrived completely, or challenges its stub if the message may be a recording. */
export function take(desk: Desk, record: Waiting, message: InvokeMessage): void {
  const { id, from } = record
  const now = desk.clock.now()
  const arrivedAt = record.state === 'arriving' ? Math.min(record.firstAt, now) : now
  if (isFresh(desk, from, message)) return begin(desk, record, message, arrivedAt)
  const nonce = record.state === 'challenged' ? record.nonce : randomBytes(16).toString('base64url')
  desk.records.put({ state: 'challenged', id, from, deadline: now + HOLD_MS, message, arrivedAt, nonce })
  desk.say(from, { type: 'challenge', id, nonce })
}

/** Begins a challenged invocation if its stub has answered the challenge. A recording cannot contain the nonce. */
export function release(desk: Desk, record: In<'challenged'>, { nonce, number }: Question): void {
  const { id, from } = record
  if (nonce !== record.nonce) return desk.say(from, { type: 'challenge', id, nonce: record.nonce })
  desk.prove(from, number)
  begin(desk, record, record.message, record.arrivedAt)
}

/** Tells a stub to resend the missing parts, or the whole invocation. */
export function inform(
  desk: Desk,
  record: In<'unknown' | 'arriving'>,
  { sent }: Pick<AskMessage, 'sent'>,
): void {
  const { id, from } = record
  const coming = record.state === 'arriving' && Math.abs(desk.clock.now() - record.lastAt) < STALL_MS
  if (coming) return desk.say(from, { type: 'ack', id })
  // Only about the stub's own messages: each reference begins with its sender.
  const parts = sent?.startsWith(from) ? desk.missing(sent) : undefined
  desk.say(from, parts === undefined ? { type: 'unknown', id } : { type: 'missing', id, sent: sent!, parts })
}

/** Creates the invocation and starts it. @param then replaces the start when the event could not be read */
export function run(desk: Desk, arrival: Arrival, event = NOTHING, then = start): void {
  const { id, from, arrivedAt, message, environment, replay } = arrival
  const { functionId, ackedBy, ageMs } = message
  // Another session acknowledged it, or may have received it before this session began. How long this message was on its
  // way is unknown, so that one sent again soon after the beginning counts as well.
  const sentBefore = ageMs > 0 && ageMs + TRAVEL_MS > arrivedAt - desk.openedAt
  const rerun = (ackedBy !== undefined && ackedBy !== desk.identity.session) || sentBefore
  const invocation = new Invocation(arrival, event, rerun, desk)
  const { deadline } = invocation
  const trace = traceOf('invocation', () => describe(invocation, desk.name, arrivedAt))
  if (replay === undefined) {
    desk.counters.received++
    desk.environments.used(functionId, from, environment)
  } else desk.counters.replayed++
  const running = {
    id,
    from,
    deadline,
    arrival,
    invocation,
    startedAt: desk.emitter.reading(),
    trace,
    timing: {},
    ack: undefined,
  }
  const record = desk.records.put<In<'running'>>({ state: 'running', ...running })
  // In a traced invocation, everything that follows belongs to its trace.
  if (trace === undefined) then(desk, record)
  else trace.run(() => then(desk, record))
}

function begin(desk: Desk, record: Waiting, message: InvokeMessage, arrivedAt: number): void {
  const { id, from } = record
  const environment = desk.environments.find(from, message.envFingerprint, message.env)
  if (environment === undefined) {
    // An acknowledged invocation stays promised.
    if (record.state === 'arriving') comesAgain(desk, record)
    else desk.records.forget(id)
    return desk.say(from, { type: 'need', id })
  }
  const arrival = { id, from, message, environment, arrivedAt }
  if (message.stored === undefined) run(desk, arrival, message.event)
  else void fetchEvent(desk, arrival, message.stored)
}

/** Reads the event from the payload store. That may take long, so the stub gets its `ack` first. */
async function fetchEvent(desk: Desk, arrival: Arrival, stored: StoredBody): Promise<void> {
  const { id, from, message, arrivedAt } = arrival
  const reading = new AbortController()
  const deadline = arrivedAt + message.remainingMs
  const record = desk.records.put({ state: 'fetching', id, from, deadline, arrival, reading })
  desk.say(from, { type: 'ack', id })
  const over = () => desk.records.get(id) !== record
  try {
    const event = await desk.payloads.takeEvent(stored, { signal: reading.signal })
    if (!over()) run(desk, arrival, event)
  } catch (error) {
    if (over()) return
    // A session that crashed may have read and deleted the event: the stub puts it again, once.
    if (mayBeMissing(error) && message.ackedBy !== desk.identity.session) {
      comesAgain(desk, record)
      return desk.say(from, { type: 'unknown', id })
    }
    run(desk, arrival, NOTHING, (_, { invocation }) => void desk.settle(invocation, failure(error)))
  }
}

/** Keeps the promise of an acknowledged invocation until its stub has sent it again. */
function comesAgain({ records, clock }: Desk, { id, from }: Open): void {
  const firstAt = clock.now()
  const lastAt = firstAt - STALL_MS
  records.put({ state: 'arriving', id, from, deadline: lastAt + REMEMBERED_MS, firstAt, lastAt })
}

// A message bound to this session cannot have been recorded before the session began. Any other message is accepted
// only at first contact: the clocks must agree, and this session must be old enough to remember a recording. Messages
// seen since it began are recognized as duplicates, except from stubs that were forgotten.
function isFresh(desk: Desk, from: string, { boundTo, sentAt }: InvokeMessage): boolean {
  const { clock, identity, young } = desk
  if (!desk.proven(from)) return false
  if (boundTo === identity.session) return true
  return !young && Math.abs(clock.now() - sentAt) <= CLOCK_TOLERANCE_MS
}

function describe(invocation: Invocation, session: string, arrivedAt: number): TraceContext {
  const { id: invocationId, functionId, environmentId, rerun, context } = invocation
  const { awsRequestId: requestId, traceId } = context
  const ids = defined({ invocationId, functionId, requestId, traceId })
  return { ...ids, session, environmentId, rerun, arrivedAt }
}
