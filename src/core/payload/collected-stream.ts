import { isUtf8 } from 'node:buffer'
import { HandlerError, TetherError, toLambdaError } from '../base/errors.js'
import { jsonText, jsonValue } from '../base/json.js'
import type { Answer, Outcome, StreamedResponse } from '../contracts/executor.js'
import { HTTP_RESPONSE_TYPE, PRELUDE_END } from '../contracts/response-stream.js'
import { MAX_RESPONSE_BYTES, responseTooLarge } from './response-limit.js'

/**
 * The answer of an outcome. Collects a stream up to the size of a synchronous response, and stops a larger one.
 * @throws errors that end the stream but are not the function's: TetherError `ABORTED`
 */
export async function collectedAnswer(outcome: Outcome): Promise<Answer> {
  return outcome.kind === 'stream' ? collect(outcome) : outcome
}

async function collect({ contentType = '', body }: StreamedResponse): Promise<Answer> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_RESPONSE_BYTES)
        return { kind: 'error', error: responseTooLarge(`more than ${size - 1}`) }
    }
    return { kind: 'value', body: responseJson(Buffer.concat(chunks), contentType) }
  } catch (error) {
    if (error instanceof TetherError) throw error
    return { kind: 'error', error: toLambdaError(error) }
  }
}

/**
 * The JSON of a response of arbitrary bytes. Bytes with an HTTP prelude become the object that a buffered function
 * would return. Other text that is not JSON becomes a JSON string, because a buffered function on Node can return
 * nothing else.
 * @throws HandlerError for a response that cannot be written as JSON
 */
export function responseJson(bytes: Uint8Array, contentType = ''): Uint8Array {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (contentType.startsWith(HTTP_RESPONSE_TYPE) ? httpResponse(body) : undefined) ?? toJson(body)
}

function httpResponse(stream: Buffer): Uint8Array | undefined {
  const end = stream.indexOf(PRELUDE_END)
  const prelude = end === -1 ? undefined : jsonValue(stream.subarray(0, end))
  if (typeof prelude !== 'object' || prelude === null) return undefined
  const body = stream.subarray(end + PRELUDE_END.byteLength)
  const isBase64Encoded = !isUtf8(body)
  const text = body.toString(isBase64Encoded ? 'base64' : 'utf8')
  const response = { statusCode: 200, ...prelude, body: text, isBase64Encoded }
  try {
    return Buffer.from(jsonText('The response', response))
  } catch (error) {
    throw new HandlerError(toLambdaError(error))
  }
}

function toJson(body: Buffer): Uint8Array {
  if (body.byteLength === 0) return Buffer.from('null')
  return jsonValue(body) === undefined ? Buffer.from(JSON.stringify(body.toString('utf8'))) : body
}
