import type { InvokeStream } from '../../../lambda/streaming/invoke-stream.js'
import { eventStreamMessage } from './event-stream.js'

/**
 * Returns a streamed response as the events of InvokeWithResponseStream: a `PayloadChunk` for each write, then
 * `InvokeComplete` with the function's error, if it failed. Its `ErrorCode` is the error's type and its `ErrorDetails`
 * the error's JSON, as runtimes post them.
 */
export async function* responseEvents(
  { body, end }: InvokeStream,
  withLog: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) yield event('PayloadChunk', 'application/octet-stream', chunk)
  const { error, logTail } = await end
  const complete = {
    ...(error !== undefined && {
      ErrorCode: error.type,
      ErrorDetails: Buffer.from(error.payload).toString(),
    }),
    ...(withLog && { LogResult: Buffer.from(logTail).toString('base64') }),
  }
  yield event('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(complete)))
}

function event(type: string, contentType: string, payload: Uint8Array): Uint8Array {
  return eventStreamMessage(
    { ':event-type': type, ':content-type': contentType, ':message-type': 'event' },
    payload,
  )
}
