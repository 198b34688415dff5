import type { Answer } from './invocation.js'

/** The largest synchronous response, in bytes of JSON: 6 MiB and the 100 bytes that Lambda allows on top. */
const MAX_RESPONSE_BYTES = 6_291_556

/** Turns an answer that Lambda would refuse into the error it would give. */
export function limitAnswer(answer: Answer): Answer {
  if (answer.kind === 'error' || answer.body.length <= MAX_RESPONSE_BYTES) return answer
  return {
    kind: 'error',
    error: {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `Response payload size (${answer.body.length} bytes) exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
      trace: [],
    },
  }
}
