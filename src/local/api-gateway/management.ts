import type { IncomingMessage, ServerResponse } from 'node:http'
import { splitOnce } from '../../aws/query.js'
import type { AuthorizedRequest } from '../../aws/verify-headers.js'
import { readBody } from '../../network/listener.js'
import type { ApiGatewayAuthorizer } from './authorizer.js'
import type { GatewayConnection } from './connection.js'
import { gatewayId } from './event.js'
import type { WebSocketApiLimits } from './limits.js'

/** The surroundings of the management API. */
export interface ManagementOptions {
  readonly apiId: string
  readonly stage: string
  readonly limits: WebSocketApiLimits
  readonly authorizer: ApiGatewayAuthorizer
  /** Counts one request; returns whether it is within the account's rate. */
  takeRequest(): boolean
  /** Finds an established connection that is not known to have ended. */
  find(connectionId: string): GatewayConnection | undefined
  /** Called after each POST. */
  onPost(post: { readonly connectionId: string; readonly bytes: number; readonly status: number }): void
}

/** An HTTP answer with a JSON body, or without a body. */
export interface ManagementAnswer {
  readonly status: number
  /** Value of `x-amzn-ErrorType`, by which AWS's clients distinguish errors. */
  readonly errorType?: string
  readonly body?: Readonly<Record<string, unknown>>
}

const METHODS: readonly string[] = ['POST', 'GET', 'DELETE']

/** Answers `POST`, `GET` and `DELETE` of `/<stage>/@connections/<id>`. */
export async function manageConnection(
  request: IncomingMessage,
  options: ManagementOptions,
): Promise<ManagementAnswer> {
  const { method = '', url = '/' } = request
  const { messageBytes } = options.limits
  const body = await readBody(request, messageBytes)
  const connectionId = connectionOf(url, options.stage)
  if (connectionId === undefined || !METHODS.includes(method)) {
    return { status: 403, body: { message: 'Forbidden' } }
  }
  const answer =
    body === undefined
      ? failure(413, 'PayloadTooLargeException', `The message exceeds ${messageBytes} bytes`)
      : manage(connectionId, { method, url, headers: request.headers, body }, options)
  // An aborted request is not counted.
  if (method === 'POST' && !request.errored) {
    const bytes = body?.byteLength ?? Number(request.headers['content-length'] ?? messageBytes + 1)
    options.onPost({ connectionId, bytes, status: answer.status })
  }
  return answer
}

function manage(
  connectionId: string,
  request: AuthorizedRequest,
  { apiId, stage, authorizer, takeRequest, find }: ManagementOptions,
): ManagementAnswer {
  const { method, body } = request
  const resource = `${apiId}/${stage}/${method}/@connections/${connectionId}`
  const verdict = authorizer.authorize(request, 'execute-api:ManageConnections', resource)
  if ('denial' in verdict) return failure(403, verdict.denial.type, verdict.denial.message)
  if (!takeRequest()) return failure(429, 'LimitExceededException')
  const connection = find(connectionId)
  if (connection === undefined) return failure(410, 'GoneException')
  switch (method) {
    case 'POST':
      return connection.send(body) ? { status: 200 } : failure(429, 'LimitExceededException')
    case 'GET':
      return { status: 200, body: describe(connection) }
    default:
      connection.end({ code: 1000, reason: 'Connection Closed Normally' })
      return { status: 204 }
  }
}

/** Writes an answer, with the time, so that clients can correct their clock. */
export function sendAnswer(
  response: ServerResponse,
  { status, errorType, body }: ManagementAnswer,
  now: number,
): void {
  const text = body === undefined ? '' : JSON.stringify(body)
  response.sendDate = false
  response.writeHead(status, {
    date: new Date(now).toUTCString(),
    'x-amzn-requestid': gatewayId(),
    ...(errorType === undefined ? {} : { 'x-amzn-errortype': errorType }),
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }),
    ...(text === '' ? {} : { 'content-type': 'application/json' }),
  })
  response.end(text)
}

// In a request's path, `@` may be encoded or not, and an id's `=` is.
function connectionOf(url: string, stage: string): string | undefined {
  try {
    const [root, first, second, id, ...rest] = (splitOnce(url, '?')[0] ?? '')
      .split('/')
      .map(decodeURIComponent)
    const known = root === '' && first === stage && second === '@connections' && rest.length === 0
    return known && id !== '' ? id : undefined
  } catch {
    return undefined
  }
}

function describe({ facts, lastActiveAt }: GatewayConnection): Readonly<Record<string, unknown>> {
  const { sourceIp, userAgent = '' } = facts.identity
  return {
    connectedAt: new Date(facts.connectedAt).toISOString(),
    identity: { sourceIp, userAgent },
    lastActiveAt: new Date(lastActiveAt).toISOString(),
  }
}

// In the API's model, only the error for an oversized payload has a text.
function failure(status: number, errorType: string, message?: string): ManagementAnswer {
  return { status, errorType, ...(message !== undefined && { body: { message } }) }
}
