import { type LambdaError, TetherError, toLambdaError } from '../base/errors.js'
import { jsonValue } from '../base/json.js'
import type { Answer } from '../contracts/executor.js'
import { limitAnswer } from '../payload/response-limit.js'
import type { Desk } from './desk.js'
import type { FailureEvent, InvocationTiming, ResponseEvent, StreamSummary } from './events.js'
import { Invocation, type InvocationEnd, isAwaited } from './invocation.js'
import { type FinalAnswer, KeptAnswer } from './kept-answer.js'
import type { In, Open } from './records.js'
import { replayEnd } from './replay/outcome.js'

/** Gives an invocation its one outcome, or reports that it came too late. Resolves when the answer has left. */
export async function settle(
  desk: Desk,
  invocation: Invocation,
  answer: Answer,
  stream?: StreamSummary,
): Promise<void> {
  const record = desk.records.running(invocation)
  if (record !== undefined) return conclude(desk, record, 'answered', limitAnswer(answer), stream)
  late(desk, invocation)
}

/** Reports an outcome that came too late. */
export function late(desk: Desk, invocation: Invocation): void {
  const { id, functionId, environmentId: from } = invocation
  const message = `The outcome of invocation ${id} of '${functionId}' came after it had ended.`
  desk.discard({ reason: 'late', message, from })
}

/**
 * Ends an invocation: tells its stub, the session's listeners, its statistics and its trace. No stub waits for a
 * mirrored invocation.
 * @param ending the message for the stub. @default none: the stub has given up
 * @param stream a summary of the streamed response, if it was streamed
 */
export function conclude(
  desk: Desk,
  record: In<'running' | 'streaming'>,
  how: InvocationEnd,
  ending?: FinalAnswer,
  stream?: StreamSummary,
): Promise<void> | void {
  const { id, invocation, arrival, startedAt, timing, trace } = record
  const { counters, emitter, records } = desk
  const told = ending !== undefined && isAwaited(arrival)
  const handedOver = told ? keep(desk, record, how, ending) : records.end(id)
  Invocation.end(invocation, how)
  const { atMs, durationMs } = emitter.since(startedAt)
  const counted = arrival.replay === undefined
  if (ending?.kind === 'value') {
    if (counted) counters.answered++
    trace?.finish()
    emitter.emit('respond', invocation, new Response(ending.body, durationMs, timing, atMs, stream))
  } else if (ending?.kind === 'decline' || how === 'dismissed') {
    if (counted) counters.declined++
    trace?.finish(how instanceof TetherError ? `LambdaTether.${how.code}` : undefined)
  } else {
    const error = ending?.error ?? toLambdaError(how)
    if (counted) counters.failed++
    trace?.finish(error.errorType)
    emitter.emit('fail', invocation, new Failure(error, durationMs, timing, atMs, stream))
  }
  arrival.replay?.(replayEnd(how, ending))
  if (told && emitter.isHeard('sent')) {
    const sent = () => emitter.emitNow('sent', invocation)
    void handedOver!.then(sent, sent)
  }
  return handedOver
}

/** Ends an invocation with an answer that is kept until its stub has it. Resolves when the answer has left. */
export function keep(desk: Desk, record: Open, how: InvocationEnd, ending: FinalAnswer): Promise<void> {
  const { id, from, deadline } = record
  const { records } = desk
  // A stream has already left, including its end, unless it was ended from outside.
  if (record.state === 'streaming' && how === 'answered') {
    if (record.answer.settled) {
      records.end(id)
      return Promise.resolve()
    }
    records.put({ state: 'answered', id, from, deadline, answer: record.answer })
    return records.owe(id, Promise.resolve())
  }
  const answer = new KeptAnswer(desk, from, id, ending)
  records.put({ state: 'answered', id, from, deadline, answer })
  return records.owe(id, answer.send())
}

/** Parsed on first access: most listeners do not read it. */
class Response implements ResponseEvent {
  #value: { readonly of: unknown } | undefined

  constructor(
    readonly body: Uint8Array,
    readonly durationMs: number,
    readonly timing: InvocationTiming,
    readonly atMs: number,
    readonly stream: StreamSummary | undefined,
  ) {}

  get value(): unknown {
    this.#value ??= { of: jsonValue(this.body) }
    return this.#value.of
  }
}

class Failure implements FailureEvent {
  #body: Uint8Array | undefined

  constructor(
    readonly error: LambdaError,
    readonly durationMs: number,
    readonly timing: InvocationTiming,
    readonly atMs: number,
    readonly stream: StreamSummary | undefined,
  ) {}

  get body(): Uint8Array {
    this.#body ??= Buffer.from(JSON.stringify(this.error))
    return this.#body
  }
}
