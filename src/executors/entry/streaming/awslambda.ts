import type { Handler } from '../../../core/contracts/handler.js'
import { STREAMING } from '../../../core/contracts/response-stream.js'
import { runtimeError } from '../runtime-errors.js'
import { HttpResponseStream } from './http-response-stream.js'

// The symbol used by aws-lambda-ric 3 and 4.
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')

/** A handler with the marks set by `streamifyResponse`. */
interface MarkedHandler {
  [STREAMING]?: unknown
  [HIGH_WATER_MARK]?: unknown
}

/** How a handler streams. */
export interface Streaming {
  /** The high-water mark of the stream, in bytes. @default Node's own */
  readonly highWaterMark?: number
}

/**
 * Adds the official Node runtime client's members to the global `awslambda`, keeping existing ones, unless the
 * environment disables it. Call this before loading user code. Idempotent.
 */
export function installAwslambda(env: NodeJS.ProcessEnv): void {
  const off = env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA
  if (off === '1' || off === 'true') return
  const globals = globalThis as { awslambda?: object }
  globals.awslambda = { ...globals.awslambda, streamifyResponse, HttpResponseStream }
}

/**
 * Returns how a handler streams; undefined if it returns its response.
 * @throws an Error named `Runtime.MalformedStreamingHandler` for an unknown mark
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
