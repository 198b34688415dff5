import { setImmediate } from '../../../core/base/timers.js'
import type { Handler, InvocationContext } from '../../../core/contracts/handler.js'
import { baseContext } from '../call-handler.js'
import type { Streaming } from './awslambda.js'
import { type ResponseSink, ResponseStream } from './response-stream.js'

export interface StreamingCall {
  readonly handler: Handler
  readonly streaming: Streaming
  readonly event: unknown
  readonly context: InvocationContext
  /** Unix milliseconds. */
  readonly deadline: number
  /** @default Date.now */
  readonly now?: () => number
  readonly sink: ResponseSink
}

/**
 * Calls a streaming handler as aws-lambda-ric 4 does (streaming-invoke-processor.js). Resolves when the handler is done
 * and its stream has ended; never, if the handler does not end its stream. Never rejects: a thrown error ends the
 * stream.
 */
export async function callStreamingHandler(call: StreamingCall): Promise<void> {
  const { handler, streaming, event, sink } = call
  const stream = new ResponseStream(sink, streaming.highWaterMark)
  try {
    const run = handler as unknown as (event: unknown, stream: object, context: unknown) => unknown
    const returned = run(event, stream.facade, baseContext(call))
    if (!isPromise(returned)) throw new Error('Streaming does not support non-async handlers.')
    if ((await returned) !== undefined) console.warn('Streaming handlers ignore return values.')
  } catch (thrown) {
    // Work that the code has started in this turn comes first.
    await new Promise(setImmediate)
    if (!stream.fail(thrown)) console.error('Invoke Error', thrown)
  }
  await stream.over
}

// The official client does not accept a function with a `then`.
function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
