import { type LimitChanges, limitsWith } from '../limits.js'

/**
 * Limits of AWS IoT Core's message broker for one connection, from its service quotas (November 2026). Each can be set
 * for a test; `Infinity` switches a limit off.
 */
export interface IotLimits {
  /** Bytes of a PUBLISH payload; a larger one closes the connection. @default 131072 */
  readonly payloadBytes: number
  /** UTF-8 bytes of a topic or topic filter; a longer one closes the connection. @default 256 */
  readonly topicBytes: number
  /** Slashes in a topic or topic filter; more close the connection. @default 7 */
  readonly topicSlashes: number
  /** UTF-8 bytes of a client id; a longer one gets CONNACK 2. @default 128 */
  readonly clientIdBytes: number
  /** PUBLISH packets in any one second, both directions together; further ones are discarded. @default 100 */
  readonly publishesPerSecond: number
  /** Bytes in one second, both directions together; further ones are delayed. @default 524288 */
  readonly bytesPerSecond: number
  /** Unacknowledged outgoing QoS 1 messages; further ones wait. @default 100 */
  readonly unacknowledged: number
  /** Subscriptions of one connection; further ones get 0x80 in the SUBACK. @default 50 */
  readonly subscriptions: number
  /** Topic filters in one SUBSCRIBE; in a longer one each filter gets 0x80. @default 8 */
  readonly filtersPerSubscribe: number
  /** Shortest keep-alive; a shorter one is raised to this. @default 30 */
  readonly minKeepAliveSeconds: number
  /** Longest keep-alive; a longer one, or none (0), is set to this. @default 1200 */
  readonly maxKeepAliveSeconds: number
  /** Lifetime of a WebSocket connection, in milliseconds. @default 86400000 */
  readonly webSocketLifetimeMs: number
  /**
   * Minimum time between two CONNECTs of one client id, in milliseconds; an earlier one gets CONNACK 3. @default 1000
   */
  readonly connectIntervalMs: number
  /**
   * Minimum time between two retained messages of one topic, wills included, in milliseconds; an earlier one is
   * discarded.
   * @default 1000
   */
  readonly retainIntervalMs: number
}

/** AWS IoT Core's own limits. */
export const IOT_LIMITS: IotLimits = Object.freeze({
  payloadBytes: 131_072,
  topicBytes: 256,
  topicSlashes: 7,
  clientIdBytes: 128,
  publishesPerSecond: 100,
  bytesPerSecond: 524_288,
  unacknowledged: 100,
  subscriptions: 50,
  filtersPerSubscribe: 8,
  minKeepAliveSeconds: 30,
  maxKeepAliveSeconds: 1200,
  webSocketLifetimeMs: 86_400_000,
  connectIntervalMs: 1000,
  retainIntervalMs: 1000,
})

/** @throws TetherError `INVALID_OPTION` naming the limit */
export function iotLimits(changes: LimitChanges<IotLimits> = {}): IotLimits {
  return limitsWith(IOT_LIMITS, changes, 'the local broker')
}

/** Returns the fault of a topic or topic filter, with both numbers; undefined if valid. */
export function topicFault(topic: string, limits: IotLimits): string | undefined {
  const bytes = Buffer.byteLength(topic)
  if (bytes > limits.topicBytes) return `topic of ${bytes} bytes exceeds ${limits.topicBytes}`
  const slashes = topic.split('/').length - 1
  if (slashes > limits.topicSlashes) return `topic with ${slashes} slashes exceeds ${limits.topicSlashes}`
  return undefined
}
