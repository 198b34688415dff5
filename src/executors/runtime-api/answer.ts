import type { IncomingMessage } from 'node:http'
import { type LambdaError, MAX_CAUSES } from '../../core/base/errors.js'
import { asText } from '../../core/base/printable.js'
import type { ByteStream } from '../../core/streams/byte-stream.js'

/** A response that a runtime posted as a whole. */
export interface RuntimeResponse {
  readonly kind: 'response'
  readonly body: Uint8Array
}

/** An error that a runtime posted. */
export interface RuntimeError {
  readonly kind: 'error'
  /** The error's JSON as the runtime sent it. */
  readonly body: Uint8Array
  /** The parsed error. */
  readonly error: LambdaError
}

/** A response that a runtime streams. Its `body` throws a HandlerError if the trailers report an error. */
export interface RuntimeStream {
  readonly kind: 'stream'
  readonly contentType?: string | undefined
  readonly body: ByteStream
  /**
   * Resolves if the connection ended before the response. The body then stays open: the owner must end it with the
   * cause.
   */
  readonly cut: Promise<void>
}

/** A runtime's answer to an invocation. */
export type RuntimeAnswer = RuntimeResponse | RuntimeError | RuntimeStream

/**
 * Reads a body of up to `max` bytes; only counts a larger body. For a body that is cut short, `done` is never called:
 * the runtime is dead, and its owner notices.
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
    // Past the limit only the size matters, for the message.
    if (size <= max) chunks.push(chunk)
    else chunks.length = 0
  })
  request.on('end', () => done(Buffer.concat(chunks), size))
}

/** Parses the error posted by a call of `error` or `init/error`. */
export function postedError(request: IncomingMessage, body: Buffer): RuntimeError {
  const header = request.headers['lambda-runtime-function-error-type']
  return { kind: 'error', ...parseRuntimeError(body, typeof header === 'string' ? header : undefined) }
}

/**
 * Returns the error in the trailers of a streamed response, where its JSON is in base64. Undefined if the response
 * ended without an error.
 */
export function trailingError({ trailers }: IncomingMessage): LambdaError | undefined {
  const type = trailers['lambda-runtime-function-error-type']
  if (type === undefined) return undefined
  const body = Buffer.from(trailers['lambda-runtime-function-error-body'] ?? '', 'base64')
  return parseRuntimeError(body, type).error
}

/** Converts a failure to an answer. Without `trace` if the runtime did not report the error itself. */
export function errorAnswer(error: LambdaError): RuntimeError {
  const { trace, ...rest } = error
  return { kind: 'error', body: Buffer.from(JSON.stringify(trace.length > 0 ? error : rest)), error }
}

/**
 * Reads an error that a runtime posted. Custom runtimes post arbitrary bodies: missing fields come from the header
 * `Lambda-Runtime-Function-Error-Type` or are reported as unknown, and the body stays as it came.
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
