import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { checkClock, checkPort, checkText, oneOf, withMethods } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import { setImmediate } from '../../core/base/timers.js'
import { type HttpListener, listen, readBody, sendStream } from '../../network/listener.js'
import type { LocalFunction } from '../lambda/function.js'
import { type HttpAnswer, httpAnswer, isBodiless } from './http-answer.js'
import { httpEvent } from './http-event.js'
import { type StreamedHttp, streamedHttp } from './streamed-http.js'

/** How a function's URL invokes the function: with Invoke, or with InvokeWithResponseStream. */
export type InvokeMode = 'BUFFERED' | 'RESPONSE_STREAM'

/** Options of {@link functionUrl}. */
export interface FunctionUrlOptions {
  readonly function: Pick<LocalFunction, 'invoke' | 'invokeWithResponseStream'>
  /** @default 'BUFFERED' */
  readonly invokeMode?: InvokeMode | undefined
  /** @default '127.0.0.1' */
  readonly host?: string | undefined
  /** @default 0, a free one */
  readonly port?: number | undefined
  /** @default '123456789012' */
  readonly accountId?: string | undefined
  readonly clock?: Clock | undefined
}

/** A function's URL, with authentication type `NONE`. */
export type FunctionUrl = HttpListener

/** Lambda's names of the modes. */
export const INVOKE_MODES = ['BUFFERED', 'RESPONSE_STREAM'] as const satisfies readonly InvokeMode[]

/** The largest request of an invocation, in bytes. */
const MAX_REQUEST_BYTES = 6 * 1024 * 1024
/** Default for a response without a content type. */
const JSON_TYPE = 'application/json'

/**
 * Serves a function like a Lambda function URL, payload format 2.0. With `RESPONSE_STREAM` the function's writes are
 * sent as they arrive; an unstreamed response is sent as plain JSON, its `statusCode` included.
 * @throws TetherError `INVALID_OPTION`; `UNREACHABLE` when the port is taken
 */
export async function functionUrl(options: FunctionUrlOptions): Promise<FunctionUrl> {
  checkOptions('functionUrl', options, {
    function: required(withMethods('a function of the local cloud', 'invoke', 'invokeWithResponseStream')),
    invokeMode: oneOf(...INVOKE_MODES),
    host: checkText,
    port: checkPort,
    accountId: checkText,
    clock: checkClock,
  })
  const urlId = randomUUID().replaceAll('-', '')
  return listen(
    (request, response) => void serve(request, response, urlId, options),
    options.host ?? '127.0.0.1',
    options.port ?? 0,
  )
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  apiId: string,
  options: FunctionUrlOptions,
): Promise<void> {
  const { accountId = '123456789012', clock = systemClock, invokeMode, function: target } = options
  const body = await readBody(request, MAX_REQUEST_BYTES)
  if (body === undefined) return refuse(response, 413, 'Request Entity Too Large')
  const event = httpEvent(request, body, { accountId, apiId, requestId: randomUUID(), now: clock.now() })
  const traceId = request.headers['x-amzn-trace-id']
  const how = typeof traceId === 'string' ? { traceId } : {}
  try {
    const answer =
      invokeMode === 'RESPONSE_STREAM'
        ? await streamedHttp(await target.invokeWithResponseStream(event, how))
        : buffered(await target.invoke(event, how))
    if (answer === undefined) refuse(response, 502, 'Internal Server Error')
    else await send(request, response, answer)
  } catch (error) {
    refuseFor(response, error)
  }
}

/** Undefined if the function failed or its response is malformed; bytes that are not JSON are passed on unchanged. */
function buffered({
  payload,
  functionError,
}: Awaited<ReturnType<LocalFunction['invoke']>>): HttpAnswer | undefined {
  if (functionError !== undefined) return undefined
  const body = Buffer.from(payload)
  return isJson(body)
    ? httpAnswer(payload, JSON_TYPE)
    : { status: 200, headers: { 'content-type': JSON_TYPE }, body }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpAnswer | StreamedHttp,
): Promise<void> {
  const bodiless = isBodiless(status) || request.method === 'HEAD'
  const length = body instanceof Uint8Array && !isBodiless(status)
  response.writeHead(status, {
    ...(headers as Record<string, string | string[]>),
    'x-amzn-requestid': randomUUID(),
    ...(length && { 'content-length': body.byteLength }),
  })
  if (body instanceof Uint8Array) response.end(bodiless ? undefined : body)
  else await sendStream(response, bodiless ? withoutBytes(body) : body)
}

// The function still runs to its end.
async function* withoutBytes(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const _ of body) yield* []
}

function refuseFor(response: ServerResponse, error: unknown): void {
  const code = error instanceof TetherError ? error.code : undefined
  // Earlier writes must be sent first; Node holds writes of this turn until the next.
  if (response.headersSent) setImmediate(() => response.socket?.destroySoon())
  else if (code === 'TOO_LARGE') refuse(response, 413, 'Request Entity Too Large')
  else if (code === 'THROTTLED') refuse(response, 429, 'Rate Exceeded.')
  // Also if the function set a header that HTTP cannot carry.
  else refuse(response, 502, 'Internal Server Error')
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': JSON_TYPE, 'x-amzn-requestid': randomUUID() })
  response.end(JSON.stringify({ Message: text }))
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString('utf8'))
    return true
  } catch {
    return false
  }
}
