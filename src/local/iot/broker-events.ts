/** Why a connection ended, in the words of AWS IoT's lifecycle events. */
export type DisconnectReason =
  | 'AUTH_ERROR'
  | 'CLIENT_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_INITIATED_DISCONNECT'
  | 'THROTTLED'
  | 'WEBSOCKET_TTL_EXPIRATION'

/** What a {@link LocalBroker} tells its listeners. */
export interface LocalBrokerEvents {
  /** A client's CONNECT was accepted. `keepAliveSeconds` is what the broker holds it to. */
  connect: { readonly clientId: string; readonly keepAliveSeconds: number }
  /** A connection ended. `detail` says why, with both numbers of a broken limit. */
  disconnect: { readonly clientId?: string; readonly reason: DisconnectReason; readonly detail: string }
  /** A WebSocket upgrade was answered with an HTTP error. The client is told nothing but the status, as by AWS. */
  refuse: { readonly status: number; readonly detail: string }
  /**
   * A topic filter was granted or, with `granted` 0x80, refused for a limit. Where a policy does not allow it, the connection
   * ends.
   */
  subscribe: {
    readonly clientId: string
    readonly filter: string
    readonly granted: number
    readonly detail: string
  }
  /** A message was accepted from a client. */
  publish: { readonly clientId: string; readonly topic: string; readonly bytes: number; readonly qos: number }
  /** A message was handed to a client. */
  deliver: { readonly clientId: string; readonly topic: string; readonly bytes: number }
  /** A message was thrown away: coming `in` from the client, or going `out` to it. */
  discard: {
    readonly clientId: string
    readonly direction: 'in' | 'out'
    readonly topic: string
    readonly reason: 'rate' | 'retain-rate' | 'policy' | 'unacknowledged'
  }
}

/** Counts since `open()`. */
export interface LocalBrokerStats {
  /** Open connections, right now. */
  readonly connections: number
  /** Messages accepted from clients. */
  readonly published: number
  /** Messages handed to clients. */
  readonly delivered: number
  /** Messages thrown away, in either direction. */
  readonly discarded: number
}
