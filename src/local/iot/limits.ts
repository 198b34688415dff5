import { type LimitChanges, limitsWith } from '../limits.js'

/**
 * What AWS IoT Core's message broker allows one connection, from its service quotas (November 2026). Each can be
 * set for a test; `Infinity` switches a limit off.
 */
export interface IotLimits {
  /** Bytes of a PUBLISH payload; over it the connection is closed. @default 131072 */
  readonly payloadBytes: number
  /** Bytes of UTF-8 of a topic or topic filter; over it the connection is closed. @default 256 */
  readonly topicBytes: number
  /** Slashes in a topic or topic filter; over it the connection is closed. @default 7 */
  readonly topicSlashes: number
  /** Bytes of UTF-8 of a client id; over it CONNACK says 2. @default 128 */
  readonly clientIdBytes: number
  /** PUBLISH packets in any one second, both directions together; what is over is discarded. @default 100 */
  readonly publishesPerSecond: number
  /** Bytes in one second, both directions together; what is over is delayed. @default 524288 */
  readonly bytesPerSecond: number
  /** QoS 1 messages out and not acknowledged; further ones wait. @default 100 */
  readonly unacknowledged: number
  /** Subscriptions of one connection; further ones get 0x80 in the SUBACK. @default 50 */
  readonly subscriptions: number
  /** Topic filters in one SUBSCRIBE; of a longer one each gets 0x80. @default 8 */
  readonly filtersPerSubscribe: number
  /** The shortest keep-alive: a shorter one counts as this. @default 30 */
  readonly minKeepAliveSeconds: number
  /** The longest keep-alive: a longer one, and none (0), count as this. @default 1200 */
  readonly maxKeepAliveSeconds: number
  /** How long a WebSocket connection lives, in milliseconds. @default 86400000 */
  readonly webSocketLifetimeMs: number
  /** The least time between two CONNECTs of one client id, in milliseconds; sooner, CONNACK says 3. @default 1000 */
  readonly connectIntervalMs: number
  /** The least time between two retained messages of one topic, wills included, in milliseconds; sooner, discarded. @default 1000 */
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

/** What is wrong with a topic or a topic filter, with both numbers; undefined if nothing is. */
export function topicFault(topic: string, limits: IotLimits): string | undefined {
  const bytes = Buffer.byteLength(topic)
  if (bytes > limits.topicBytes) return `topic of ${bytes} bytes exceeds ${limits.topicBytes}`
  const slashes = topic.split('/').length - 1
  if (slashes > limits.topicSlashes) return `topic with ${slashes} slashes exceeds ${limits.topicSlashes}`
  return undefined
}
