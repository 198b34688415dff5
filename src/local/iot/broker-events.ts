/** The reason for a connection's end, in the words of AWS IoT's lifecycle events. */
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

/** Events of a {@link LocalBroker}. */
export interface LocalBrokerEvents {
  /** A client's CONNECT was accepted. The broker enforces `keepAliveSeconds`. */
  connect: { readonly clientId: string; readonly keepAliveSeconds: number }
  /** A connection ended. `detail` gives the reason, with both numbers of a broken limit. */
  disconnect: { readonly clientId?: string; readonly reason: DisconnectReason; readonly detail: string }
  /** A WebSocket upgrade was answered with an HTTP error. As on AWS, the client sees only the status. */
  refuse: { readonly status: number; readonly detail: string }
  /**
   * A topic filter was granted or, with `granted` 0x80, refused for a limit. If a policy forbids it, the connection
   * ends instead.
   */
  subscribe: {
    readonly clientId: string
    readonly filter: string
    readonly granted: number
    readonly detail: string
  }
  /** A message was accepted from a client. */
  publish: { readonly clientId: string; readonly topic: string; readonly bytes: number; readonly qos: number }
  /** A message was sent to a client. */
  deliver: { readonly clientId: string; readonly topic: string; readonly bytes: number }
  /** A message was discarded: coming `in` from the client, or going `out` to it. */
  discard: {
    readonly clientId: string
    readonly direction: 'in' | 'out'
    readonly topic: string
    readonly reason: 'rate' | 'retain-rate' | 'policy' | 'unacknowledged'
  }
}

/** Counts since `open()`. */
export interface LocalBrokerStats {
  /** Connections open now. */
  readonly connections: number
  /** Messages accepted from clients. */
  readonly published: number
  /** Messages sent to clients. */
  readonly delivered: number
  /** Messages discarded, in either direction. */
  readonly discarded: number
}
