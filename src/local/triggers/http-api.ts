import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { checkClock, checkDuration, checkPort, checkText } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import { type HttpListener, listen, readBody } from '../../network/listener.js'
import type { LocalFunction } from '../lambda/function.js'
import { checkInvoked } from '../option-checks.js'
import { gatewayError, type HttpAnswer, httpAnswer, isBodiless } from './http-answer.js'
import { httpEvent } from './http-event.js'

/** The largest request that API Gateway accepts, in bytes. */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024
/** How long API Gateway waits for a function, in milliseconds. */
const INTEGRATION_TIMEOUT_MS = 30_000

/** Default for a response without a content type. */
const DEFAULT_CONTENT_TYPE = 'text/plain;charset=UTF-8'

/** Options of {@link httpApi}. */
export interface HttpApiOptions {
  readonly function: Pick<LocalFunction, 'invoke'>
  /** @default '127.0.0.1' */
  readonly host?: string | undefined
  /** @default 0, a free one */
  readonly port?: number | undefined
  /** In milliseconds; API Gateway allows no more than the default. @default 30000 */
  readonly integrationTimeoutMs?: number | undefined
  /** @default '123456789012' */
  readonly accountId?: string | undefined
  readonly clock?: Clock | undefined
}

/** An HTTP API with one `$default` route. */
export type HttpApi = HttpListener

/**
 * Serves a function like an API Gateway HTTP API, payload format 2.0, for every method and path.
 * @throws TetherError `INVALID_OPTION`; `UNREACHABLE` when the port is taken
 */
export async function httpApi(options: HttpApiOptions): Promise<HttpApi> {
  checkOptions('httpApi', options, {
    function: required(checkInvoked),
    host: checkText,
    port: checkPort,
    integrationTimeoutMs: checkDuration,
    accountId: checkText,
    clock: checkClock,
  })
  const apiId = randomUUID().replaceAll('-', '').slice(0, 10)
  return listen(
    (request, response) => {
      void answer(request, apiId, options).then((result) => write(response, request.method, result))
    },
    options.host ?? '127.0.0.1',
    options.port ?? 0,
  )
}

async function answer(request: IncomingMessage, apiId: string, options: HttpApiOptions): Promise<HttpAnswer> {
  const { integrationTimeoutMs = INTEGRATION_TIMEOUT_MS, accountId = '123456789012' } = options
  const clock = options.clock ?? systemClock
  const body = await readBody(request, MAX_REQUEST_BYTES)
  if (body === undefined) return gatewayError(413, 'Request Entity Too Large')
  const event = httpEvent(request, body, { accountId, apiId, requestId: randomUUID(), now: clock.now() })
  const late = new AbortController()
  const cancel = clock.schedule(integrationTimeoutMs, () => late.abort())
  try {
    const traceId = request.headers['x-amzn-trace-id']
    const result = await options.function.invoke(event, {
      signal: late.signal,
      ...(typeof traceId === 'string' ? { traceId } : {}),
    })
    const answered =
      result.functionError === undefined ? httpAnswer(result.payload, DEFAULT_CONTENT_TYPE) : undefined
    return answered ?? gatewayError(500, 'Internal Server Error')
  } catch (error) {
    return refusal(error)
  } finally {
    cancel()
  }
}

function refusal(error: unknown): HttpAnswer {
  const code = error instanceof TetherError ? error.code : undefined
  if (code === 'TOO_LARGE') return gatewayError(413, 'Request Entity Too Large')
  if (code === 'ABORTED' || code === 'THROTTLED' || code === 'CLOSED')
    return gatewayError(503, 'Service Unavailable')
  return gatewayError(500, 'Internal Server Error')
}

function write(response: ServerResponse, method: string | undefined, answer: HttpAnswer): void {
  const { status, body } = answer
  const bodiless = isBodiless(status)
  try {
    response.writeHead(status, {
      ...answer.headers,
      'apigw-requestid': randomUUID(),
      ...(bodiless ? {} : { 'content-length': body.byteLength }),
    } as Record<string, string | string[] | number>)
  } catch {
    // The function set a header that HTTP cannot carry.
    write(response, method, gatewayError(500, 'Internal Server Error'))
    return
  }
  response.end(bodiless || method === 'HEAD' ? undefined : body)
}
