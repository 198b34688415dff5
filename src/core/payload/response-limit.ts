import type { LambdaError } from '../base/errors.js'
import type { Answer } from '../contracts/executor.js'

/** The largest synchronous response, in bytes of JSON: 6 MiB and the 100 bytes that Lambda allows on top. */
export const MAX_RESPONSE_BYTES = 6_291_556

/** The longest text of an error, in characters, and the most lines of a stack. */
const MAX_ERROR_TEXT = 64 * 1024
const MAX_TRACE_LINES = 256

/** Turns an answer that Lambda would refuse into Lambda's error, and cuts errors to a transmissible size. */
export function limitAnswer(answer: Answer): Answer {
  if (answer.kind === 'error') return { kind: 'error', error: limitError(answer.error) }
  if (answer.body.length <= MAX_RESPONSE_BYTES) return answer
  return { kind: 'error', error: responseTooLarge(`${answer.body.length}`) }
}

/** Lambda's error for a response that is over the limit. @param size in bytes, as text */
export function responseTooLarge(size: string): LambdaError {
  return {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size (${size} bytes) exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
    trace: [],
  }
}

function limitError({ errorType, errorMessage, trace, cause }: LambdaError): LambdaError {
  return {
    errorType: cut(errorType, 256),
    errorMessage: cut(errorMessage, MAX_ERROR_TEXT),
    trace: trace.slice(0, MAX_TRACE_LINES).map((line) => cut(line, 1_024)),
    ...(cause !== undefined && { cause: limitError(cause) }),
  }
}

function cut(text: string, characters: number): string {
  if (text.length <= characters) return text
  return `${text.slice(0, characters)} … (cut from ${text.length} characters to ${characters})`
}
