import { toLambdaError } from '../../core/base/errors.js'
import type { Answer } from '../../core/contracts/executor.js'
import { responseJson } from '../../core/payload/collected-stream.js'
import type { RuntimeError, RuntimeResponse } from '../runtime-api/answer.js'

/** Converts a runtime's answer to an outcome. The response is JSON. */
export function outcomeOfAnswer(answer: RuntimeError | RuntimeResponse): Answer {
  if (answer.kind === 'error') return { kind: 'error', error: answer.error }
  try {
    return { kind: 'value', body: responseJson(answer.body) }
  } catch (error) {
    return { kind: 'error', error: toLambdaError(error) }
  }
}
