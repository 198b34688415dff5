import { type LambdaError, toLambdaError } from '../../core/base/errors.js'
import { runtimeError } from './runtime-errors.js'

/** Like {@link toLambdaError}, but also for errors with properties that throw. */
export function toSafeError(thrown: unknown): LambdaError {
  try {
    return toLambdaError(thrown)
  } catch {
    return {
      errorType: 'Error',
      errorMessage: 'The error that was thrown cannot be read: its properties throw.',
      trace: [],
    }
  }
}

/** Converts an unhandled rejection as Lambda's Node runtime does. */
export function unhandledRejection(reason: unknown): LambdaError {
  const cause = toSafeError(reason)
  const message = cause.trace.length > 0 ? `${cause.errorType}: ${cause.errorMessage}` : cause.errorMessage
  const error = runtimeError(
    'UnhandledPromiseRejection',
    message,
    reason instanceof Error ? reason : undefined,
  )
  return { ...toLambdaError(error), cause }
}
