import type { ConnectPhase } from './connect-phase.js'
import type { SocketTarget } from './plain-socket.js'
import type { UpgradeRequest } from './web-socket-upgrade.js'

/** What a {@link WebSocketConnection} is opened with. */
export interface WebSocketOptions
  extends Omit<UpgradeRequest, 'key'>,
    Pick<SocketTarget, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'> {
  /** The most that one message may have, in bytes. */
  readonly maxMessageBytes: number
  /** A message arrived, whole. */
  onMessage(payload: Buffer, text: boolean): void
  /** The peer answered a ping. */
  onPong?(): void
}

/** How a WebSocket ended. */
export interface WebSocketEnd {
  /** What went wrong, if anything did: the first thing. */
  readonly error: Error | undefined
  /** What the peer gave for a reason, by RFC 6455, 7.4; 1006 where it said nothing. */
  readonly code: number
  readonly reason: string
}

/** The client's side of one WebSocket, alive once. Whatever goes wrong ends it. */
export interface WebSocketConnection {
  /** When the peer has agreed. Never rejects. */
  readonly opened: Promise<void>
  /** Never rejects. */
  readonly ended: Promise<WebSocketEnd>
  /** How far opening it has come. */
  readonly phase: ConnectPhase
  /** Whether what is sent may still arrive. */
  readonly open: boolean
  /**
   * Sends a message, or with `end: false` a part of one that the next goes on with.
   * @param written called when the system has taken it, or never will
   */
  send(
    payload: Uint8Array,
    options: { readonly text?: boolean; readonly end?: boolean },
    written?: (error?: Error | null) => void,
  ): void
  /** Asks the peer whether it is there. */
  ping(): void
  /** Says goodbye; the peer then ends the socket, sooner or later or not at all. */
  close(code: number): void
  /** Ends it without a word. */
  destroy(error?: Error): void
  /** Takes nothing from the socket until `resume()`, but for what was read already. */
  pause(): void
  resume(): void
}

/** Opens WebSockets; which client does it differs between a session and a stub. */
export type OpenWebSocket = (options: WebSocketOptions) => WebSocketConnection
