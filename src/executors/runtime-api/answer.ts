import type { IncomingMessage } from 'node:http'
import { type LambdaError, MAX_CAUSES } from '../../core/base/errors.js'
import { asText } from '../../core/base/printable.js'

/** What a runtime answered. */
export type RuntimeAnswer =
  /** A streamed response has been collected; its content type tells how to read it. */
  | {
      readonly kind: 'response'
      readonly body: Uint8Array
      readonly contentType: string
      readonly streamed: boolean
    }
  /** `body` is the error's JSON as the runtime sent it, `error` the same, read. */
  | { readonly kind: 'error'; readonly body: Uint8Array; readonly error: LambdaError }

/**
 * Reads a body up to `max` bytes; of a larger one only its size. A body cut short never ends: its runtime is dead,
 * which its owner notices.
 */
export function collect(
  request: IncomingMessage,
  max: number,
  done: (body: Buffer, size: number) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.byteLength
    // Past the limit only the size is of interest, for the message.
    if (size <= max) chunks.push(chunk)
    else chunks.length = 0
  })
  request.on('end', () => done(Buffer.concat(chunks), size))
}

/** The answer that a call to `response` carries, whose stream may have failed midway. */
export function postedAnswer(request: IncomingMessage, body: Buffer): RuntimeAnswer {
  const failure = streamError(request)
  if (failure !== undefined) return failure
  return {
    kind: 'response',
    body,
    contentType: request.headers['content-type'] ?? 'application/json',
    streamed: request.headers['lambda-runtime-function-response-mode'] === 'streaming',
  }
}

/** The answer that a call to `error` or `init/error` carries. */
export function postedError(
  request: IncomingMessage,
  body: Buffer,
): Extract<RuntimeAnswer, { kind: 'error' }> {
  const header = request.headers['lambda-runtime-function-error-type']
  return { kind: 'error', ...parseRuntimeError(body, typeof header === 'string' ? header : undefined) }
}

// A stream that fails after its first byte says so in trailers; the error's JSON is base64 there.
function streamError(request: IncomingMessage): RuntimeAnswer | undefined {
  const type = request.trailers['lambda-runtime-function-error-type']
  if (type === undefined) return undefined
  const body = Buffer.from(request.trailers['lambda-runtime-function-error-body'] ?? '', 'base64')
  return { kind: 'error', ...parseRuntimeError(body, type) }
}

/** A failure that the runtime did not report itself. */
export function errorAnswer(errorType: string, errorMessage: string): RuntimeAnswer {
  const body = Buffer.from(JSON.stringify({ errorType, errorMessage }))
  return { kind: 'error', body, error: { errorType, errorMessage, trace: [] } }
}

/**
 * Reads the error a runtime posted. Custom runtimes post what they like: whatever is missing is filled from the
 * `Lambda-Runtime-Function-Error-Type` header or said to be unknown, and the body stays as it came.
 */
function parseRuntimeError(body: Buffer, headerType?: string): { body: Buffer; error: LambdaError } {
  const text = body.toString('utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = undefined
  }
  const error = readError(parsed, headerType, text)
  return { body: body.byteLength === 0 ? Buffer.from(JSON.stringify(error)) : body, error }
}

function readError(value: unknown, headerType: string | undefined, text: string, depth = 0): LambdaError {
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const { errorType, errorMessage, trace, stackTrace, cause } = fields
  const lines = Array.isArray(trace) ? trace : Array.isArray(stackTrace) ? stackTrace : []
  return {
    errorType: typeof errorType === 'string' ? errorType : (headerType ?? 'Runtime.Unknown'),
    errorMessage: typeof errorMessage === 'string' ? errorMessage : text,
    trace: lines.map(asText),
    ...(typeof cause === 'object' && cause !== null && depth < MAX_CAUSES
      ? { cause: readError(cause, undefined, '', depth + 1) }
      : {}),
  }
}
