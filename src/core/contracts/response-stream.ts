import type { LambdaContext } from './handler.js'

// Markers set and read by aws-lambda-ric 3 and 4: https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
/** Marks a streaming handler, with the value `response`. */
export const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')

/**
 * The content type of a stream that begins with a prelude. `HttpResponseStream.from` of Lambda's Node runtime makes
 * such streams.
 */
export const HTTP_RESPONSE_TYPE = 'application/vnd.awslambda.http-integration-response'

/** Separates a prelude (the JSON of status, headers and cookies) from the body. */
export const PRELUDE_END: Uint8Array = new Uint8Array(8)

/** The stream that Lambda's Node runtime passes to a streaming handler, as far as this package uses it. */
export interface LambdaResponseStream {
  readonly destroyed: boolean
  /** Before the first write. */
  setContentType(contentType: string): void
  /** False if further writes should wait for `drain`. */
  write(chunk: Uint8Array): boolean
  end(finished: () => void): void
  once(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

/** A handler that streams its response, as accepted by `awslambda.streamifyResponse` of Lambda's Node runtime. */
export type StreamingHandler = (
  // biome-ignore lint/suspicious/noExplicitAny: users type their own events, as with @types/aws-lambda
  event: any,
  // biome-ignore lint/suspicious/noExplicitAny: the types of @types/aws-lambda are not installed everywhere
  responseStream: any,
  context: LambdaContext,
) => Promise<unknown>

/** Whether a handler is marked as streaming. */
export function isStreaming(handler: object): handler is StreamingHandler {
  return Boolean((handler as { [STREAMING]?: unknown })[STREAMING])
}

/** Marks a handler like `awslambda.streamifyResponse`, which does not exist outside Lambda's Node runtime. */
export function streamified<H extends StreamingHandler>(handler: H): H {
  return Object.assign(handler, { [STREAMING]: 'response' })
}
