import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/base/clock.js'
import type { MqttTarget } from './options.js'

/** One MQTT client on one open socket. It fails by destroying the socket with the error that says why. */
export interface MqttClient {
  /** Asks for filters, in one packet; resolves when the broker has granted them. @throws FilterRefused */
  subscribe(filters: readonly string[]): Promise<void>
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
