import { onAbort } from '../../base/abort.js'
import { type LambdaError, toLambdaError } from '../../base/errors.js'
import type { Answer, StreamedResponse } from '../../contracts/executor.js'
import { collectedAnswer } from '../../payload/collected-stream.js'
import { limitAnswer } from '../../payload/response-limit.js'
import type { Desk } from '../desk.js'
import { failure, type Invocation, isAwaited } from '../invocation.js'
import { conclude, late, settle } from '../outcomes.js'
import type { In } from '../records.js'
import { KeptStream } from './kept-stream.js'
import { Streamed } from './streamed.js'

/**
 * Gives an invocation a streamed response: chunk by chunk for a stub that accepts a stream, collected for any other.
 * Resolves when all of it has left, or when the invocation has ended earlier. Never rejects.
 */
export async function stream(desk: Desk, invocation: Invocation, response: StreamedResponse): Promise<void> {
  const record = desk.records.running(invocation)
  if (record === undefined) {
    void leave(response)
    return late(desk, invocation)
  }
  const streamed = new Streamed(desk.emitter, invocation, response)
  const { arrival } = record
  if (isAwaited(arrival) && arrival.message.streams === true) return pass(desk, record, streamed)
  const answer = await collectedAnswer(streamed.observed()).catch(failure)
  if (!invocation.settled) await settle(desk, invocation, answer, streamed.summary)
}

/** Discards a response unread; errors of its code are ignored. */
async function leave({ body }: StreamedResponse): Promise<void> {
  try {
    await body[Symbol.asyncIterator]().return?.()
  } catch {}
}

async function pass(desk: Desk, record: In<'running'>, streamed: Streamed): Promise<void> {
  const { id, from, deadline, arrival, invocation, startedAt, trace, timing } = record
  const { contentType, body } = streamed.observed()
  const answer = new KeptStream(desk, from, id, contentType)
  const begun = { id, from, deadline, arrival, invocation, startedAt, trace, timing }
  const streaming = desk.records.put<In<'streaming'>>({ state: 'streaming', ...begun, answer })
  const unlisten = onAbort(invocation.signal, () => answer.drop())
  const error = await write(body, answer, invocation)
  if (!invocation.settled) await answer.end(error)
  unlisten()
  if (invocation.settled) return
  const ending: Answer =
    error === undefined ? { kind: 'value', body: streamed.body } : { kind: 'error', error }
  await conclude(desk, streaming, 'answered', ending, streamed.summary)
}

/** @returns the error with which local code ended its stream */
async function write(
  body: AsyncIterable<Uint8Array>,
  answer: KeptStream,
  invocation: Invocation,
): Promise<LambdaError | undefined> {
  try {
    for await (const piece of body) {
      await answer.write(piece)
      // The signal stops the code.
      if (invocation.settled) return undefined
    }
    return undefined
  } catch (thrown) {
    const limited = limitAnswer({ kind: 'error', error: toLambdaError(thrown) })
    return limited.kind === 'error' ? limited.error : undefined
  }
}
