import type { Handler } from '../../../core/contracts/handler.js'
import { STREAMING } from '../../../core/contracts/response-stream.js'
import { runtimeError } from '../runtime-errors.js'
import { HttpResponseStream } from './http-response-stream.js'

// As aws-lambda-ric 3 and 4 have it.
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')

/** A handler with the marks that `streamifyResponse` leaves on it. */
interface MarkedHandler {
  [STREAMING]?: unknown
  [HIGH_WATER_MARK]?: unknown
}

/** How a handler streams: it is called with a stream, whose high-water mark it may set. */
export interface Streaming {
  /** In bytes. @default Node's own */
  readonly highWaterMark?: number
}

/**
 * Adds to the global `awslambda`, beside what is there, what the official runtime client for Node adds, unless the environment switches
 * it off. To be called before any code of the user's. Idempotent.
 */
export function installAwslambda(env: NodeJS.ProcessEnv): void {
  const off = env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA
  if (off === '1' || off === 'true') return
  const globals = globalThis as { awslambda?: object }
  globals.awslambda = { ...globals.awslambda, streamifyResponse, HttpResponseStream }
}

/**
 * How a handler streams; undefined for one that returns its response.
 * @throws an Error named `Runtime.MalformedStreamingHandler` for a mark that is none of AWS's
 */
export function streamingOf(handler: Handler): Streaming | undefined {
  const { [STREAMING]: mark, [HIGH_WATER_MARK]: highWaterMark } = handler as MarkedHandler
  if (!mark) return undefined
  if (mark !== 'response') {
    throw runtimeError('MalformedStreamingHandler', 'Only response streaming is supported.')
  }
  const bytes = Number(highWaterMark || Number.NaN)
  return Number.isNaN(bytes) ? {} : { highWaterMark: bytes }
}

function streamifyResponse<H extends MarkedHandler>(handler: H, options?: { highWaterMark?: unknown }): H {
  handler[STREAMING] = 'response'
  if (typeof options?.highWaterMark === 'number') {
    handler[HIGH_WATER_MARK] = Number.parseInt(String(options.highWaterMark), 10)
  }
  return handler
}
