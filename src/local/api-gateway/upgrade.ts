import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { splitOnce } from '../../aws/query.js'
import type { ApiCaller, ApiGatewayAuthorizer } from './authorizer.js'
import type { IntegrationOutcome } from './integration.js'

/** The requirements for a client's upgrade. */
export interface ApiUpgradeRules {
  readonly apiId: string
  readonly stage: string
  readonly urlCharacters: number
  readonly authorizer: ApiGatewayAuthorizer
  /** Counts one connect; returns whether it is within the account's rates. */
  takeConnect(): boolean
}

/** An HTTP error that answers an upgrade. */
export interface UpgradeRefusal {
  readonly status: number
  /** Value of `x-amzn-ErrorType`. */
  readonly errorType?: string
  readonly message: string
}

/** Decides on an upgrade before a function is invoked: returns the caller, if known, or the refusal. */
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
  // API Gateway accepts a slash after the stage.
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

/** Returns the error for a client that `$connect` did not accept; undefined if it did. */
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

/** Answers an upgrade with an error, and with the time, so that a client can correct its clock. */
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

// Checks the conditions of the WebSocket server early: it would refuse only after a function had accepted the client.
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
