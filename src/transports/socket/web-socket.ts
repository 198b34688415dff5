import type { ConnectPhase } from './connect-phase.js'
import type { SocketTarget } from './plain-socket.js'
import type { UpgradeRequest } from './web-socket-upgrade.js'

/** Options of {@link OpenWebSocket}. */
export interface WebSocketOptions
  extends Omit<UpgradeRequest, 'key'>,
    Pick<SocketTarget, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'> {
  /** The largest message to accept, in bytes. */
  readonly maxMessageBytes: number
  /** A message arrived, whole. */
  onMessage(payload: Buffer, text: boolean): void
  /** The peer answered a ping. */
  onPong?(): void
}

/** How a WebSocket ended. */
export interface WebSocketEnd {
  /** The first error, if any. */
  readonly error: Error | undefined
  /** The peer's close code, by RFC 6455, 7.4; 1006 if it sent no close frame. */
  readonly code: number
  readonly reason: string
}

/** The client's side of one WebSocket. It is opened once; any failure ends it. */
export interface WebSocketConnection {
  /** Resolves when the peer has accepted. Never rejects. */
  readonly opened: Promise<void>
  /** Never rejects. */
  readonly ended: Promise<WebSocketEnd>
  /** The phase that opening has reached. */
  readonly phase: ConnectPhase
  /** Whether a sent message may still arrive. */
  readonly open: boolean
  /**
   * Sends a message, or with `end: false` a part that the next call continues.
   * @param written called when the system has taken the bytes, or never will
   */
  send(
    payload: Uint8Array,
    options: { readonly text?: boolean; readonly end?: boolean },
    written?: (error?: Error | null) => void,
  ): void
  /** Asks the peer whether it is there. */
  ping(): void
  /** Sends a close frame; the peer then ends the socket, sooner or later or not at all. */
  close(code: number): void
  /** Ends the socket without a close frame. */
  destroy(error?: Error): void
  /** Stops reading from the socket until `resume()`; data already read is still delivered. */
  pause(): void
  resume(): void
}

/** Opens WebSockets; session and stub use different clients. */
export type OpenWebSocket = (options: WebSocketOptions) => WebSocketConnection
