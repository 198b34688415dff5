import { onAbort } from '../../core/base/abort.js'
import type { Clock } from '../../core/base/clock.js'
import type { ConnectPhase } from '../socket/connect-phase.js'
import type { OpenWebSocket, WebSocketConnection } from '../socket/web-socket.js'
import { KeepAlive } from './keep-alive.js'

/** Options of {@link TextSocket}. */
export interface TextSocketOptions {
  readonly openWebSocket: OpenWebSocket
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string
  readonly clock: Clock
  onText(text: string): void
}

/** A WebSocket that did not open. Its cause is an UpgradeRefused, the system's error, or the signal's reason. */
export class NotOpened extends Error {
  constructor(
    readonly during: ConnectPhase,
    cause: unknown,
  ) {
    super('the WebSocket did not open', { cause })
  }
}

/** A WebSocket that was closed with a code. */
class SocketClosed extends Error {
  constructor(
    readonly closeCode: number,
    reason: string,
  ) {
    super(`it was closed with code ${closeCode}${reason === '' ? '' : `: ${reason}`}`)
  }
}

// API Gateway closes with 1009 where a WebSocket frame has more than 32 KB; its header may be counted.
const PIECE_BYTES = 32_768 - 14
/** The peer sends 128 KB at most. */
const MAX_MESSAGE_BYTES = 1024 * 1024
/** How long the peer may take to answer our goodbye before the socket is destroyed. */
const CLOSE_GRACE_MS = 1_000

/** A kept-alive WebSocket for text messages, cut into the pieces that API Gateway accepts. */
export class TextSocket {
  /** Resolves to the reason when the socket ends; never rejects. */
  readonly ended: Promise<Error>
  readonly #webSocket: WebSocketConnection
  readonly #clock: Clock

  private constructor(webSocket: WebSocketConnection, clock: Clock, keepAlive: KeepAlive) {
    this.#webSocket = webSocket
    this.#clock = clock
    this.ended = webSocket.ended.then(({ error, code, reason }) => {
      keepAlive.stop()
      return error ?? new SocketClosed(code, reason)
    })
  }

  /**
   * Opens a socket. Firing the signal destroys it.
   * @throws NotOpened
   */
  static async open(options: TextSocketOptions, signal: AbortSignal): Promise<TextSocket> {
    const { openWebSocket, clock, onText, ...target } = options
    signal.throwIfAborted()
    const webSocket = openWebSocket({
      ...target,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      onPong: () => keepAlive.answered(),
      // Accepts binary messages too: a proxy before the API may send texts as binary.
      onMessage: (payload) => {
        keepAlive.heard()
        onText(payload.toString())
      },
    })
    const keepAlive = new KeepAlive({
      clock,
      ping: () => webSocket.ping(),
      say: (text) => socket.send(text),
      dead: (reason) => socket.destroy(reason),
    })
    const socket = new TextSocket(webSocket, clock, keepAlive)
    const unlisten = onAbort(signal, () => socket.destroy(signal.reason as Error))
    try {
      await Promise.race([
        webSocket.opened,
        socket.ended.then((error) => {
          throw error
        }),
      ])
      keepAlive.start()
      return socket
    } catch (error) {
      throw new NotOpened(webSocket.phase, error)
    } finally {
      unlisten()
    }
  }

  /** Whether a sent message may still arrive. */
  get open(): boolean {
    return this.#webSocket.open
  }

  /** Writes one message, in consecutive pieces. */
  send(text: string): void {
    const bytes = Buffer.from(text)
    let at = 0
    do {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      at += piece.length
      // A failed write ends the socket, which reports the error once.
      this.#webSocket.send(piece, { text: true, end: at >= bytes.length })
    } while (at < bytes.length)
  }

  /** Closes the WebSocket; resolves when the socket has ended. */
  async close(): Promise<void> {
    this.#webSocket.close(1000)
    const cancel = this.#clock.schedule(CLOSE_GRACE_MS, () => this.#webSocket.destroy())
    await this.ended
    cancel()
  }

  destroy(reason: Error): void {
    this.#webSocket.destroy(reason)
  }
}
