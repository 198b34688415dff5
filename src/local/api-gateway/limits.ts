import { type LimitChanges, limitsWith } from '../limits.js'

/**
 * API Gateway's limits for a WebSocket API, from its quotas (November 2026):
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 * Each can be set for a test; `Infinity` switches a limit off.
 */
export interface WebSocketApiLimits {
  /**
   * Bytes of a message in either direction; a larger one closes the client with 1009, and a POST gets 413. @default
   * 131072
   */
  readonly messageBytes: number
  /** Bytes of one WebSocket frame's payload; a larger one closes the client with 1009. @default 32768 */
  readonly frameBytes: number
  /** Milliseconds without a message in either direction until the client is closed with 1001. @default 600000 */
  readonly idleMs: number
  /** Lifetime of a connection in milliseconds; then it is closed with 1001. @default 7200000 */
  readonly lifetimeMs: number
  /** Time limit of a function, in milliseconds. @default 29000 */
  readonly integrationTimeoutMs: number
  /** Length of a WebSocket URL, in characters. @default 4096 */
  readonly urlCharacters: number
  /** Connects in any one second; an upgrade beyond it gets 429. @default 500 */
  readonly connectsPerSecond: number
  /**
   * Requests in any one second: connects, messages and management calls together; further ones get 429. @default 10000
   */
  readonly requestsPerSecond: number
  /**
   * Bytes buffered for a client that does not read; a POST beyond it gets 429. AWS has such a limit but does not
   * publish it. The operating system's own buffers come on top. @default 1048576
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
