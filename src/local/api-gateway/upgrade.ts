import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { splitOnce } from '../../aws/query.js'
import type { ApiCaller, ApiGatewayAuthorizer } from './authorizer.js'
import type { IntegrationOutcome } from './integration.js'

/** What a client's upgrade must fit. */
export interface ApiUpgradeRules {
  readonly apiId: string
  readonly stage: string
  readonly urlCharacters: number
  readonly authorizer: ApiGatewayAuthorizer
  /** Counts one connect; whether it is within the account's rates. */
  takeConnect(): boolean
}

/** An HTTP error that answers an upgrade. */
export interface UpgradeRefusal {
  readonly status: number
  /** For `x-amzn-ErrorType`. */
  readonly errorType?: string
  readonly message: string
}

/** Decides on an upgrade, before any function is asked: who connects, if that is known, or why nobody does. */
export function decideConnect(
  request: IncomingMessage,
  rules: ApiUpgradeRules,
): { readonly caller?: ApiCaller } | { readonly refusal: UpgradeRefusal } {
  const { method = '', url = '/', headers } = request
  const { apiId, stage, urlCharacters, authorizer } = rules
  if (!isWebSocket(request)) return refusal(400, 'The request is no WebSocket upgrade of RFC 6455')
  const characters = `wss://${headers.host}${url}`.length
  if (characters > urlCharacters) {
    return refusal(414, `The URL of ${characters} characters exceeds ${urlCharacters}`)
  }
  // API Gateway takes a slash after the stage.
  const path = (splitOnce(url, '?')[0] ?? '').replace(/\/$/, '')
  if (path !== `/${stage}`) return refusal(403, 'Forbidden')
  const signed = { method, url, headers, body: new Uint8Array() }
  const verdict = authorizer.authorize(signed, 'execute-api:Invoke', `${apiId}/${stage}/$connect`)
  if ('denial' in verdict) {
    const { type, message } = verdict.denial
    return { refusal: { status: 403, errorType: type, message } }
  }
  return rules.takeConnect() ? verdict : refusal(429, 'Too Many Requests')
}

/** The error that a client gets whom `$connect` did not take; undefined where it did. */
export function connectRefusal(outcome: IntegrationOutcome): UpgradeRefusal | undefined {
  switch (outcome.kind) {
    case 'answer': {
      const { statusCode } = outcome
      if (statusCode >= 200 && statusCode < 300) return undefined
      return { status: statusCode, message: 'Forbidden' }
    }
    case 'timeout':
      return { status: 504, message: 'Endpoint request timed out' }
    default:
      return { status: 502, message: 'Internal server error' }
  }
}

/** Answers an upgrade with an error, and with the time, by which a client can correct its clock. */
export function refuseApiUpgrade(
  socket: Duplex,
  { status, errorType, message }: UpgradeRefusal,
  now: number,
): void {
  const body = JSON.stringify({ message })
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      `Date: ${new Date(now).toUTCString()}`,
      ...(errorType === undefined ? [] : [`x-amzn-ErrorType: ${errorType}`]),
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}

// What the WebSocket server would refuse by itself, once a function had already taken the client.
function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    ['8', '13'].includes(headers['sec-websocket-version'] ?? '')
  )
}

function refusal(status: number, message: string): { readonly refusal: UpgradeRefusal } {
  return { refusal: { status, message } }
}
