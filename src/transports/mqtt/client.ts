import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/base/clock.js'
import type { MqttTarget } from './options.js'

/** One MQTT client on one open socket. It fails by destroying the socket with the error that says why. */
export interface MqttClient {
  /**
   * Asks for filters, in one packet.
   * @param optional those of them that may be refused
   * @returns those that were
   * @throws FilterRefused for any other that was
   */
  subscribe(filters: readonly string[], optional?: readonly string[]): Promise<readonly string[]>
  /** Gives filters up, in one packet. Absent in the stub's client, which subscribes once. */
  unsubscribe?(filters: readonly string[]): Promise<void>
  /** Writes a message at QoS 0; false when the socket's buffer is full and sends should wait for `drain`. */
  publish(topic: string, payload: Uint8Array, retain?: boolean): boolean
  /** Says DISCONNECT and ends the socket. */
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
 * The optional filters among those that a SUBACK does not grant.
 * @param granted by filter: its QoS, or a code of 128 or more
 * @throws FilterRefused for one that is needed
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

/** What a client is started with. */
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

/** Says CONNECT on an open socket; resolves at the broker's consent. */
export type StartClient = (options: MqttClientOptions) => Promise<MqttClient>
