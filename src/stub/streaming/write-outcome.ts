import { toThrown } from '../../core/base/errors.js'
import { jsonValue } from '../../core/base/json.js'
import type { CallOutcome } from '../../core/caller/call-state.js'
import { isHttpEvent } from '../../core/contracts/http-event.js'
import {
  HTTP_RESPONSE_TYPE,
  type LambdaResponseStream,
  PRELUDE_END,
} from '../../core/contracts/response-stream.js'
import type { Answering } from '../outcome.js'

/** For a handler that writes its response to a stream. */
export function streaming(
  stream: LambdaResponseStream,
  event: unknown,
  passthrough: Answering['passthrough'],
): Answering {
  return {
    answer: (outcome) => writeOutcome(stream, event, outcome),
    respond: (response) => writeValue(stream, event, response),
    passthrough,
  }
}

/**
 * Writes a session's answer: a stream byte for byte, a value as Lambda would send it. Resolves when the runtime has
 * taken everything.
 * @throws the error of local code, before or after its first byte, and the TetherError of a stream that broke off
 */
async function writeOutcome(
  stream: LambdaResponseStream,
  event: unknown,
  outcome: CallOutcome,
): Promise<void> {
  if (outcome.kind === 'error') throw toThrown(outcome.error)
  if (outcome.kind === 'value') return writeJson(stream, event, outcome.body)
  if (outcome.contentType !== undefined) stream.setContentType(outcome.contentType)
  for await (const chunk of outcome.body) {
    // The sandbox is gone: leaving the loop cancels the invocation.
    if (stream.destroyed) return
    if (!stream.write(chunk)) await drained(stream)
  }
  return ended(stream)
}

/** Writes a response of the stub's own, or of a function that does not stream. */
export function writeValue(stream: LambdaResponseStream, event: unknown, value: unknown): Promise<void> {
  return writeJson(stream, event, Buffer.from(JSON.stringify(value) ?? 'null'))
}

/** Writes a response object as status, headers and body for an HTTP event; anything else as JSON. */
function writeJson(stream: LambdaResponseStream, event: unknown, json: Uint8Array): Promise<void> {
  const http = isHttpEvent(event) ? httpBytes(json) : undefined
  stream.setContentType(http === undefined ? 'application/json' : HTTP_RESPONSE_TYPE)
  stream.write(http ?? json)
  return ended(stream)
}

/** Encodes a response object as `HttpResponseStream.from` does; undefined for any other value. */
function httpBytes(json: Uint8Array): Uint8Array | undefined {
  const response = jsonValue(json)
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return undefined
  const { body = '', isBase64Encoded, ...metadata } = response as Record<string, unknown>
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const bytes = Buffer.from(text, isBase64Encoded === true ? 'base64' : 'utf8')
  return Buffer.concat([Buffer.from(JSON.stringify(metadata)), PRELUDE_END, bytes])
}

function ended(stream: LambdaResponseStream): Promise<void> {
  // Node passes the callback a null, and the runtime warns about any value that a streaming handler returns.
  return new Promise((resolve) => stream.end(() => resolve()))
}

function drained(stream: LambdaResponseStream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.once('drain', done)
    stream.once('close', done)
  })
}
