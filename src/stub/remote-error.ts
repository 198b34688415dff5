import { type LambdaError, MAX_CAUSES } from '../core/base/errors.js'

/** Turns an error from local code back into something to throw, so that the runtime reports it as it was. */
export function toThrown(error: LambdaError, depth = 0): unknown {
  // What was no Error is thrown as it was, as far as its text tells.
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
