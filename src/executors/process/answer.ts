import { isUtf8 } from 'node:buffer'
import { toLambdaError } from '../../core/base/errors.js'
import { jsonText } from '../../core/base/json.js'
import type { Outcome } from '../../core/contracts/executor.js'
import type { RuntimeAnswer } from '../runtime-api/answer.js'

/** What `HttpResponseStream.from` of Lambda's Node runtime writes: a JSON prelude, eight NUL bytes, the body. */
const HTTP_RESPONSE = 'application/vnd.awslambda.http-integration-response'
const PRELUDE_END = Buffer.alloc(8)

/**
 * A runtime's answer as an outcome, whose response is JSON. Of a custom runtime it may be any bytes: what is no
 * JSON becomes a JSON string of it, because the stub's Node runtime can return nothing else. A stream has been
 * collected: one with an HTTP prelude becomes the response object that a buffered function would return.
 */
export function outcomeOfAnswer(answer: RuntimeAnswer): Outcome {
  if (answer.kind === 'error') return { kind: 'error', error: answer.error }
  const body = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength)
  const isHttp = answer.streamed && answer.contentType.startsWith(HTTP_RESPONSE)
  try {
    return { kind: 'value', body: (isHttp ? httpResponse(body) : undefined) ?? toJson(body) }
  } catch (error) {
    return { kind: 'error', error: toLambdaError(error) }
  }
}

function httpResponse(stream: Buffer): Uint8Array | undefined {
  const end = stream.indexOf(PRELUDE_END)
  const prelude = end === -1 ? undefined : parse(stream.subarray(0, end))
  if (typeof prelude !== 'object' || prelude === null) return undefined
  const body = stream.subarray(end + PRELUDE_END.byteLength)
  const isBase64Encoded = !isUtf8(body)
  const text = body.toString(isBase64Encoded ? 'base64' : 'utf8')
  const response = { statusCode: 200, ...prelude, body: text, isBase64Encoded }
  return Buffer.from(jsonText('The response', response))
}

function toJson(body: Buffer): Uint8Array {
  if (body.byteLength === 0) return Buffer.from('null')
  return parse(body) === undefined ? Buffer.from(JSON.stringify(body.toString('utf8'))) : body
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'))
  } catch {
    return undefined
  }
}
