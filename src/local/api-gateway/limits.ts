import { type LimitChanges, limitsWith } from '../limits.js'

/**
 * What API Gateway allows a WebSocket API, from its quotas (November 2026):
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 * Each can be set for a test; `Infinity` switches a limit off.
 */
export interface WebSocketApiLimits {
  /** Bytes of a message, either way; over it a client is closed with 1009, and a POST answered with 413. @default 131072 */
  readonly messageBytes: number
  /** Bytes of one WebSocket frame's payload; over it the client is closed with 1009. @default 32768 */
  readonly frameBytes: number
  /** Milliseconds without a message either way, after which the client is closed with 1001. @default 600000 */
  readonly idleMs: number
  /** Milliseconds that a connection lives; then it is closed with 1001. @default 7200000 */
  readonly lifetimeMs: number
  /** Milliseconds that a function may take. @default 29000 */
  readonly integrationTimeoutMs: number
  /** Characters of a WebSocket URL. @default 4096 */
  readonly urlCharacters: number
  /** Connects in any one second; over it an upgrade is answered with 429. @default 500 */
  readonly connectsPerSecond: number
  /** Requests in any one second: connects, messages and management calls together; over it 429. @default 10000 */
  readonly requestsPerSecond: number
  /**
   * Bytes that wait for a client who does not read; a POST that finds more is answered with 429. AWS has such a limit
   * and does not say which. What the operating system takes comes on top. @default 1048576
   */
  readonly clientBufferBytes: number
}

/** API Gateway's own limits. */
export const WEB_SOCKET_API_LIMITS: WebSocketApiLimits = Object.freeze({
  messageBytes: 131_072,
  frameBytes: 32_768,
  idleMs: 600_000,
  lifetimeMs: 7_200_000,
  integrationTimeoutMs: 29_000,
  urlCharacters: 4096,
  connectsPerSecond: 500,
  requestsPerSecond: 10_000,
  clientBufferBytes: 1_048_576,
})

/** @throws TetherError `INVALID_OPTION` naming the limit */
export function webSocketApiLimits(changes: LimitChanges<WebSocketApiLimits> = {}): WebSocketApiLimits {
  return limitsWith(WEB_SOCKET_API_LIMITS, changes, 'a WebSocket API')
}
