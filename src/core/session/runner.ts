import { url as inspectorUrl } from 'node:inspector'
import { partOf, traced, traceOf } from '../base/diagnostics.js'
import { TetherError } from '../base/errors.js'
import type { Answer, Executor, Task } from '../contracts/executor.js'
import type { Desk } from './desk.js'
import type { Slot } from './functions/slot.js'
import type { Declined } from './functions/table.js'
import { failure, Invocation, isAwaited, TAKE_IN_TIME } from './invocation.js'
import { conclude } from './outcomes.js'
import type { In } from './records.js'

/** How long an acknowledgement is held back, since an answer would replace it. */
const ACK_DELAY_MS = 25

/** Tells local code that it runs a replay. */
const REPLAY_ENV = { LAMBDA_TETHER_REPLAY: 'true' }

/** Gives an invocation to the first taker: a waiting `next()`, an `invoke` listener, or served code. */
export function start(desk: Desk, record: In<'running'>): void {
  try {
    dispatch(desk, record)
  } catch (error) {
    void desk.settle(record.invocation, failure(error))
  }
}

/** Acknowledges an invocation after 25 ms, unless it is answered by then. */
export function ackSoon(desk: Desk, record: In<'running'> | undefined): void {
  if (record !== undefined) record.ack ??= desk.clock.schedule(ACK_DELAY_MS, () => void ackNow(desk, record))
}

async function ackNow({ emitter, send }: Desk, record: In<'running'>): Promise<void> {
  const { invocation, arrival, id, from } = record
  record.ack ??= () => {}
  emitter.emitNow('ack', invocation)
  if (isAwaited(arrival)) await send(from, { type: 'ack', id })
}

function dispatch(desk: Desk, record: In<'running'>): void {
  const { invocation, arrival } = record
  const { functionId, mirrored } = invocation
  const { also = [] } = arrival.message
  desk.received.add(invocation)
  if (also.length > 0) {
    desk.counters.overlaps++
    desk.emitter.emit('overlap', invocation, { also, ...desk.emitter.at() })
  }
  // Without its event, it is only for listeners.
  if (mirrored !== 'metadata') desk.waiters.offer(invocation)
  desk.emitter.emitNow('invoke', invocation)
  if (invocation.settled) return
  if (Invocation.isTaken(invocation)) return ackSoon(desk, record)
  const functions = desk.functions()
  if (mirrored === 'metadata' || (mirrored !== false && functions === undefined)) {
    const without = mirrored === 'metadata' ? 'without its event' : 'and the session serves nothing'
    const reason = `it was mirrored ${without}, and no listener took it`
    return decline(desk, record, 'dismissed', { reason, served: [] })
  }
  if (functions === undefined) {
    Invocation.withdraw(invocation, 'failed with NO_HANDLER: nothing took it')
    throw new TetherError(
      'NO_HANDLER',
      `The session received an invocation of '${functionId}', serves nothing, and no listener took it. Call session.serve(). ${TAKE_IN_TIME}`,
    )
  }
  const slot = functions.find(functionId)
  if (slot !== undefined) {
    Invocation.withdraw(invocation, 'was given to the code that is served')
    return void run(desk, record, slot)
  }
  const declined = functions.declined(functionId)
  decline(desk, record, new TetherError('DECLINED', `The session declines: ${declined.reason}.`), declined)
}

/** @param how ends the invocation; a stub that waits is told as well */
function decline(
  desk: Desk,
  record: In<'running'>,
  how: TetherError | 'dismissed',
  declined: Declined,
): void {
  const { invocation } = record
  Invocation.withdraw(invocation, `was declined: ${declined.reason}`)
  const ending = how === 'dismissed' ? undefined : ({ kind: 'decline', reason: declined.reason } as const)
  void conclude(desk, record, how, ending)
  desk.emitter.emit('decline', invocation, { ...declined, ...desk.emitter.at() })
}

async function run(desk: Desk, record: In<'running'>, slot: Slot): Promise<void> {
  const { invocation } = record
  const { executor } = slot
  slot.enter()
  // Code on this event loop, or a debugger, may block a later acknowledgement. A function that was quick the last time
  // is trusted to be quick again.
  const mayBlock = executor.sharesEventLoop === true && !slot.quick
  if (mayBlock || inspectorUrl() !== undefined) await ackNow(desk, record)
  else ackSoon(desk, record)
  // Measured from here: the time to send the acknowledgement says nothing about the code.
  const startedAt = desk.clock.now()
  try {
    const answer = await execute(desk, record, slot)
    if (answer === undefined) return
    slot.quick = desk.clock.now() - startedAt < ACK_DELAY_MS
    await desk.settle(invocation, answer)
  } catch (error) {
    // If it is settled, its signal has stopped the code, and the invocation has its outcome.
    if (!invocation.settled) void desk.settle(invocation, failure(error))
  } finally {
    slot.leave()
  }
}

/** @returns undefined if the invocation ended while its code was built, or its response was streamed */
async function execute(desk: Desk, record: In<'running'>, slot: Slot): Promise<Answer | undefined> {
  const { invocation, arrival, trace: parent, timing } = record
  const { emitter } = desk
  const { id: invocationId, functionId, environmentId, eventBytes: event, context, deadline } = invocation
  const build = await slot.build(parent?.context)
  timing.builtMs = emitter.at().atMs
  if (invocation.settled) return undefined
  const onPhase: Task['onPhase'] = (phase) => {
    timing[`${phase}Ms`] = emitter.at().atMs
  }
  const onLog: Task['onLog'] = (line) => {
    const requestId = context.awsRequestId
    emitter.emit('log', {
      ...line,
      functionId,
      environmentId,
      invocationId,
      requestId,
      ...emitter.at(),
    })
  }
  const env = arrival.environment.local
  const { executor, overrides } = slot
  const task: Task = {
    functionId,
    environmentId,
    build,
    event,
    context,
    env,
    overrides,
    ...(invocation.replayed && { invocationEnv: REPLAY_ENV }),
    deadline,
    onPhase,
    onLog,
  }
  const trace = traceOf('execute', () => partOf(parent?.context, { functionId, executor: executor.name }))
  const held = build.hold?.()
  try {
    // The invocation itself serves as `{ signal }`: its signal is created only when read.
    const run = async () => {
      const outcome = await executor.execute(task, invocation)
      timing.ranMs = emitter.at().atMs
      if (outcome.kind !== 'stream') return checked(outcome, executor)
      await desk.stream(invocation, outcome)
      return undefined
    }
    return await traced(trace, run, errorTypeOf)
  } finally {
    held?.[Symbol.dispose]()
  }
}

/** Checks the answer of a custom executor: one without bytes becomes the invocation's error. */
function checked(answer: Answer, executor: Executor): Answer {
  if (answer.kind === 'error' || answer.body instanceof Uint8Array) return answer
  return failure(new TetherError('UNSUPPORTED', `Executor '${executor.name}' answered with no bytes.`))
}

function errorTypeOf(answer: Answer | undefined): string | undefined {
  return answer?.kind === 'error' ? answer.error.errorType : undefined
}
