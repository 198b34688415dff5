import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import { partitionOf } from '../../aws/endpoints.js'
import { parseQuery, splitOnce } from '../../aws/query.js'

/** Facts common to all events of a connection. */
export interface ConnectionFacts {
  readonly connectionId: string
  /** Unix milliseconds. */
  readonly connectedAt: number
  readonly apiId: string
  readonly stage: string
  /** The `Host` header of the client's request. */
  readonly domainName: string
  readonly identity: {
    readonly sourceIp: string
    readonly userAgent?: string
    /** The signer's identity, in this and the next three members; absent for unsigned requests. */
    readonly accessKey?: string
    readonly accountId?: string
    readonly user?: string
    readonly userArn?: string
  }
}

/** The surroundings and time of a connect request, and its signer, if known. */
export interface ConnectionPlace {
  readonly apiId: string
  readonly stage: string
  readonly accountId: string
  readonly region: string
  /** Unix milliseconds. */
  readonly now: number
  readonly caller: SigningIdentity | undefined
}

/** The end of a connection, in WebSocket terms. */
export interface WebSocketEnding {
  /** 1005 if the client sent no code, 1006 if the connection broke. */
  readonly code: number
  readonly reason: string
}

/** The event for a function behind a route of a WebSocket API. */
export interface WebSocketEvent {
  readonly headers?: Readonly<Record<string, string>>
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly multiValueQueryStringParameters?: Readonly<Record<string, readonly string[]>>
  readonly requestContext: ConnectionFacts & {
    readonly routeKey: string
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
    readonly messageDirection: 'IN'
    readonly messageId?: string
    readonly requestId: string
    readonly extendedRequestId: string
    /** Format: `21/Nov/2026:09:05:00 +0000`. */
    readonly requestTime: string
    readonly requestTimeEpoch: number
    readonly disconnectStatusCode?: number
    readonly disconnectReason?: string
  }
  readonly body?: string
  readonly isBase64Encoded: false
}

/** Makes an id like API Gateway's, such as `L0SM9cOFvHcCIhw=`. */
export function gatewayId(): string {
  return randomBytes(11).toString('base64url').concat('=')
}

/** Collects the facts of a connecting client, under a new id. */
export function connectionFacts(
  { headers, socket }: IncomingMessage,
  { apiId, stage, accountId, region, now, caller }: ConnectionPlace,
): ConnectionFacts {
  const userAgent = headers['user-agent']
  return {
    connectionId: gatewayId(),
    connectedAt: now,
    apiId,
    stage,
    domainName: headers.host ?? '',
    identity: {
      sourceIp: socket.remoteAddress ?? '127.0.0.1',
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(caller && {
        accessKey: caller.accessKeyId,
        accountId,
        user: caller.accessKeyId,
        userArn: `arn:${partitionOf(region)}:iam::${accountId}:user/${caller.accessKeyId}`,
      }),
    },
  }
}

/** Builds the event of a connecting client. */
export function connectEvent(facts: ConnectionFacts, request: IncomingMessage, now: number): WebSocketEvent {
  const headers = multiValue(headerPairs(request))
  const query = multiValue(parseQuery(splitOnce(request.url ?? '', '?')[1] ?? '') ?? [])
  return {
    headers: last(headers),
    multiValueHeaders: headers,
    ...(Object.keys(query).length === 0
      ? {}
      : { queryStringParameters: last(query), multiValueQueryStringParameters: query }),
    requestContext: context(facts, '$connect', 'CONNECT', now),
    isBase64Encoded: false,
  }
}

/** Builds the event of a client's message; it has no headers, as on AWS. */
export function messageEvent(
  facts: ConnectionFacts,
  routeKey: string,
  body: string,
  now: number,
): WebSocketEvent {
  return {
    requestContext: { ...context(facts, routeKey, 'MESSAGE', now), messageId: gatewayId() },
    body,
    isBase64Encoded: false,
  }
}

/** Builds the event of an ended connection. */
export function disconnectEvent(
  facts: ConnectionFacts,
  { code, reason }: WebSocketEnding,
  now: number,
): WebSocketEvent {
  const headers = { Host: facts.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' }
  return {
    headers,
    multiValueHeaders: multiValue(Object.entries(headers)),
    requestContext: {
      ...context(facts, '$disconnect', 'DISCONNECT', now),
      disconnectStatusCode: code,
      disconnectReason: reason === '' && code === 1005 ? 'Client-side close frame status not set' : reason,
    },
    isBase64Encoded: false,
  }
}

function context(
  facts: ConnectionFacts,
  routeKey: string,
  eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT',
  now: number,
): WebSocketEvent['requestContext'] {
  const requestId = gatewayId()
  const [, day, month, year, time] = new Date(now).toUTCString().split(' ')
  return {
    routeKey,
    eventType,
    messageDirection: 'IN',
    requestId,
    extendedRequestId: requestId,
    requestTime: `${day}/${month}/${year}:${time} +0000`,
    requestTimeEpoch: now,
    ...facts,
  }
}

// The headers with credentials are for API Gateway only.
const SECRET_HEADERS = ['authorization', 'x-amz-security-token']

function headerPairs({ rawHeaders, socket }: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (!SECRET_HEADERS.includes(name.toLowerCase())) pairs.push([name, rawHeaders[index + 1] ?? ''])
  }
  pairs.push(['X-Forwarded-For', socket.remoteAddress ?? '127.0.0.1'])
  return pairs
}

function multiValue(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const values = new Map<string, string[]>()
  for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value])
  return Object.fromEntries(values)
}

// For a repeated name, the single-valued form has the last value.
function last(values: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.at(-1) ?? '']))
}
