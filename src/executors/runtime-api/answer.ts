import type { IncomingMessage } from 'node:http'
import { type LambdaError, MAX_CAUSES } from '../../core/base/errors.js'
import { asText } from '../../core/base/printable.js'
import type { ByteStream } from '../../core/streams/byte-stream.js'

/** A response that a runtime posted whole. */
export interface RuntimeResponse {
  readonly kind: 'response'
  readonly body: Uint8Array
}

/** An error that a runtime posted. */
export interface RuntimeError {
  readonly kind: 'error'
  /** The error's JSON as the runtime sent it. */
  readonly body: Uint8Array
  /** The same, read. */
  readonly error: LambdaError
}

/** A response that a runtime streams: its `body` throws a HandlerError for the error in its trailers. */
export interface RuntimeStream {
  readonly kind: 'stream'
  readonly contentType?: string | undefined
  readonly body: ByteStream
  /** Resolves when the connection has ended before the response had: its body is open, for the owner to say why. */
  readonly cut: Promise<void>
}

/** What a runtime answered. */
export type RuntimeAnswer = RuntimeResponse | RuntimeError | RuntimeStream

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

/** The answer that a call to `error` or `init/error` carries. */
export function postedError(request: IncomingMessage, body: Buffer): RuntimeError {
  const header = request.headers['lambda-runtime-function-error-type']
  return { kind: 'error', ...parseRuntimeError(body, typeof header === 'string' ? header : undefined) }
}

/** The error in the trailers of a streamed response: its JSON is base64 there. Undefined where it has ended well. */
export function trailingError({ trailers }: IncomingMessage): LambdaError | undefined {
  const type = trailers['lambda-runtime-function-error-type']
  if (type === undefined) return undefined
  const body = Buffer.from(trailers['lambda-runtime-function-error-body'] ?? '', 'base64')
  return parseRuntimeError(body, type).error
}

/** A failure as an answer. One that the runtime did not report itself has no trace. */
export function errorAnswer(error: LambdaError): RuntimeError {
  const { trace, ...rest } = error
  return { kind: 'error', body: Buffer.from(JSON.stringify(trace.length > 0 ? error : rest)), error }
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
