import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/base/clock.js'
import type { MqttTarget } from './options.js'

/** One MQTT client on one open socket. On failure it destroys the socket with the reason. */
export interface MqttClient {
  /**
   * Subscribes to filters, in one packet.
   * @param optional the filters that the broker may refuse
   * @returns the optional filters that it refused
   * @throws FilterRefused if it refused any other filter
   */
  subscribe(filters: readonly string[], optional?: readonly string[]): Promise<readonly string[]>
  /** Unsubscribes from filters, in one packet. Absent in the stub's client, which subscribes once. */
  unsubscribe?(filters: readonly string[]): Promise<void>
  /** Writes a message at QoS 0; false when the socket's buffer is full and sends should wait for `drain`. */
  publish(topic: string, payload: Uint8Array, retain?: boolean): boolean
  /** Sends DISCONNECT and ends the socket. */
  end(): void
}

/** A filter that the SUBACK did not grant. */
export class FilterRefused extends Error {
  constructor(
    readonly filter: string,
    cause?: Error,
  ) {
    super(`it refused the subscription to '${filter}'`, { cause })
  }
}

/**
 * Returns the optional filters that a SUBACK does not grant.
 * @param granted for each filter: its QoS, or a code of 128 or more
 * @throws FilterRefused for a refused filter that is not optional
 */
export function refusedFilters(
  filters: readonly string[],
  granted: readonly (number | undefined)[],
  optional: readonly string[],
  cause?: Error,
): string[] {
  const refused = filters.filter((_filter, index) => (granted[index] ?? 0) > 2)
  const needed = refused.find((filter) => !optional.includes(filter))
  if (needed !== undefined) throw new FilterRefused(needed, cause)
  return refused
}

/** Options of {@link StartClient}. */
export interface MqttClientOptions {
  readonly socket: Duplex
  readonly target: MqttTarget
  readonly clientId: string
  readonly frameBytes: number
  readonly clock: Clock
  /** A retained message that the broker publishes when the connection ends without a DISCONNECT. */
  readonly will?: { readonly topic: string; readonly payload: Uint8Array }
  onPublish(topic: string, payload: Uint8Array): void
}

/** Sends CONNECT on an open socket; resolves when the broker accepts. */
export type StartClient = (options: MqttClientOptions) => Promise<MqttClient>
