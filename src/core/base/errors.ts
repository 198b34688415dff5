import { asText, printableLines } from './printable.js'

/**
 * Every code a {@link TetherError} can carry. `docs/errors.md` explains each code and its remedy.
 *
 * - `INVALID_OPTION`: an option or argument is missing or of the wrong shape; thrown where it was passed.
 * - `MISSING_DEPENDENCY`: an optional peer dependency is needed and not installed; the message has the command.
 * - `UNREACHABLE`: the broker could not be reached, refused the connection, or the connection broke.
 * - `THROTTLED`: the broker refused a frame for its rate.
 * - `TOO_LARGE`: a frame or a payload is over a limit; the message has both numbers.
 * - `CLOSED`: the session, the executor or the connection was closed.
 * - `DISPLACED`: another session was opened under the same name.
 * - `CONFLICT`: another session of the team takes the same functions; its name and its card are in `details`.
 * - `ABORTED`: the caller's `AbortSignal` fired.
 * - `TIMEOUT`: `next` found no matching invocation in its time.
 * - `NO_SESSION`: no session acknowledged the invocation in time.
 * - `NO_HANDLER`: a session received the invocation and has no handler for it.
 * - `DECLINED`: the session does not serve this function.
 * - `SESSION_LOST`: the session acknowledged the invocation and was replaced before it answered.
 * - `DEADLINE`: the function's time ran out before local code answered.
 * - `RESULT_EVICTED`: the invocation ran, and its answer had to be dropped under memory pressure.
 * - `ALREADY_SETTLED`: the invocation already has its one outcome.
 * - `NOT_TAKEN`: a listener answered an invocation that it had not taken before its first `await`.
 * - `BUILD_FAILED`: the local code could not be built, found or loaded.
 * - `EXECUTION_FAILED`: local code ended without an answer: it exited, crashed, or ran out of memory.
 * - `STORE_FAILED`: the payload store refused, lost or cut off an object; `details.reason` says which.
 * - `DEPLOY_FAILED`: going live or back, or a deployment, failed, or the stack changed meanwhile; see the message.
 * - `UNSUPPORTED`: this combination is not supported; the message names the supported ones.
 * - `PROTOCOL`: the frame received is not of this protocol, or not of this version.
 */
export type TetherErrorCode =
  | 'INVALID_OPTION'
  | 'MISSING_DEPENDENCY'
  | 'UNREACHABLE'
  | 'THROTTLED'
  | 'TOO_LARGE'
  | 'CLOSED'
  | 'DISPLACED'
  | 'CONFLICT'
  | 'ABORTED'
  | 'TIMEOUT'
  | 'NO_SESSION'
  | 'NO_HANDLER'
  | 'DECLINED'
  | 'SESSION_LOST'
  | 'DEADLINE'
  | 'RESULT_EVICTED'
  | 'ALREADY_SETTLED'
  | 'NOT_TAKEN'
  | 'BUILD_FAILED'
  | 'EXECUTION_FAILED'
  | 'STORE_FAILED'
  | 'DEPLOY_FAILED'
  | 'UNSUPPORTED'
  | 'PROTOCOL'

/** Options of a {@link TetherError} besides its message. */
export interface TetherErrorOptions {
  /** The underlying error, unchanged. */
  cause?: unknown
  /** Facts for programs, such as `{ file, line, text }` of a `BUILD_FAILED`. Never secrets, never payloads. */
  details?: Readonly<Record<string, unknown>> | undefined
}

// Registered, so that `instanceof` holds between copies of this package (a bundled stub, a linked install).
const brand = Symbol.for('lambda-tether.TetherError')

/**
 * The one error class of this package. Tell errors apart by `code`; messages may change. A message is safe to print
 * even where it quotes foreign text. `cause` and `details` are unchanged: pass them through `printable()` before
 * printing.
 */
export class TetherError extends Error {
  override readonly name = 'TetherError'
  readonly code: TetherErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: TetherErrorCode, message: string, options: TetherErrorOptions = {}) {
    super(printableLines(message), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    Object.defineProperty(this, brand, { value: true })
  }

  /** Also true for an error of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** The same error with text appended to its message. */
export function withWords(error: TetherError, words: string): TetherError {
  const { code, message, cause, details } = error
  return words === '' ? error : new TetherError(code, message + words, { cause, details })
}

/** An error in AWS Lambda's wire format. */
export interface LambdaError {
  readonly errorType: string
  readonly errorMessage: string
  /** Stack lines, outermost message first; empty for a thrown value that is not an Error. */
  readonly trace: readonly string[]
  /** The error's `cause`, if it had one. */
  readonly cause?: LambdaError | undefined
}

/** How many nested causes cross the wire; deeper ones are left out. */
export const MAX_CAUSES = 8

/** The error of a failed function. `name` is the function's `errorType`, `stack` its own stack. */
export class HandlerError extends Error {
  readonly errorType: string
  readonly trace: readonly string[]
  readonly #error: LambdaError

  constructor(error: LambdaError, depth = 0) {
    const { errorType, errorMessage, trace, cause } = error
    const causes = cause !== undefined && depth < MAX_CAUSES
    super(errorMessage, causes ? { cause: new HandlerError(cause, depth + 1) } : undefined)
    this.#error = error
    this.name = errorType
    this.errorType = errorType
    this.trace = trace
    if (trace.length > 0) this.stack = trace.join('\n')
  }

  /** The Lambda error that a HandlerError stands for. */
  static lambdaErrorOf(thrown: HandlerError): LambdaError {
    return thrown.#error
  }
}

/**
 * Converts any thrown value to the shape that the Lambda runtime gives it. A non-Error keeps its `typeof` as its type.
 */
export function toLambdaError(thrown: unknown, depth = 0): LambdaError {
  if (thrown instanceof HandlerError) return HandlerError.lambdaErrorOf(thrown)
  if (!isErrorLike(thrown)) {
    return { errorType: typeof thrown, errorMessage: asText(thrown), trace: [] }
  }
  const [name, message, stack, cause] = ['name', 'message', 'stack', 'cause'].map((field) =>
    read(thrown, field),
  )
  const type = thrown instanceof TetherError ? `LambdaTether.${thrown.code}` : asText(name || 'Error')
  const error: LambdaError = {
    errorType: type,
    errorMessage: asText(message ?? ''),
    trace: typeof stack === 'string' ? stack.split('\n') : [],
  }
  return cause === undefined || depth >= MAX_CAUSES
    ? error
    : { ...error, cause: toLambdaError(cause, depth + 1) }
}

/** Converts an error from local code back into a value to throw, so that the runtime reports it unchanged. */
export function toThrown(error: LambdaError, depth = 0): unknown {
  // A thrown value that was not an Error is thrown again as a primitive, as far as its text allows.
  if (error.trace.length === 0) {
    if (error.errorType === 'string') return error.errorMessage
    if (error.errorType === 'undefined') return undefined
    if (error.errorType === 'number') return Number(error.errorMessage)
    if (error.errorType === 'boolean') return error.errorMessage === 'true'
  }
  const thrown = new Error(error.errorMessage)
  Object.defineProperties(thrown, {
    name: { value: error.errorType, configurable: true, writable: true },
    stack: { value: error.trace.join('\n'), configurable: true, writable: true },
  })
  if (error.cause !== undefined && depth < MAX_CAUSES) thrown.cause = toThrown(error.cause, depth + 1)
  return thrown
}

/** Throws `ABORTED` with the signal's reason as cause when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** The error for a wait that an {@link AbortSignal} ended. */
export function abortError(signal: AbortSignal): TetherError {
  if (signal.reason instanceof TetherError) return signal.reason
  return new TetherError('ABORTED', 'The operation was aborted by its signal.', { cause: signal.reason })
}

// A getter may throw.
function read(value: object, field: string): unknown {
  try {
    return (value as Record<string, unknown>)[field]
  } catch {
    return field === 'message' ? 'The error that was thrown cannot be read.' : undefined
  }
}

// Errors of a worker, a vm context or another realm are not instances of this realm's Error.
function isErrorLike(value: unknown): value is Error {
  return (
    value instanceof Error ||
    (typeof value === 'object' && value !== null && 'message' in value && 'stack' in value && 'name' in value)
  )
}
