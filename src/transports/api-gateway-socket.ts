import type { WebSocket } from 'ws'
import type { Clock } from '../core/clock.js'
import { KeepAlive } from './api-gateway-keep-alive.js'

/** What a socket is opened with. */
export interface TextSocketOptions {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string
  readonly clock: Clock
  onText(text: string): void
}

/** An upgrade that was answered otherwise. */
export class UpgradeRefused extends Error {
  constructor(
    readonly statusCode: number,
    readonly date: string | undefined,
  ) {
    super(`the WebSocket upgrade was refused with status ${statusCode}`)
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
const MAX_PAYLOAD_BYTES = 1024 * 1024
/** How long the peer may take to answer our goodbye before the socket is destroyed. */
const CLOSE_GRACE_MS = 1_000

/** A WebSocket that speaks text in pieces as small as API Gateway takes them, and is kept alive. */
export class TextSocket {
  /** Never rejects: why it ended. */
  readonly ended: Promise<Error>
  readonly #webSocket: WebSocket
  readonly #clock: Clock
  readonly #keepAlive: KeepAlive
  #reason: Error | undefined

  private constructor(webSocket: WebSocket, { clock, onText }: TextSocketOptions) {
    this.#webSocket = webSocket
    this.#clock = clock
    this.#keepAlive = new KeepAlive({
      clock,
      ping: () => webSocket.ping(),
      say: (text) => this.send(text),
      dead: (reason) => this.destroy(reason),
    })
    this.ended = new Promise((resolve) => {
      // Stays for good: an error that nobody hears would end the process.
      webSocket.on('error', (error) => {
        this.#reason ??= error
      })
      webSocket.once('close', (code, reason) => {
        this.#keepAlive.stop()
        resolve(this.#reason ?? new SocketClosed(code, reason.toString()))
      })
    })
    webSocket.on('pong', () => this.#keepAlive.answered())
    webSocket.on('message', (data, isBinary) => {
      this.#keepAlive.heard()
      if (!isBinary) onText(data.toString())
    })
  }

  /**
   * Opens a socket. Firing the signal destroys it.
   * @throws UpgradeRefused, the system's error, or the signal's reason
   */
  static async open(options: TextSocketOptions, signal: AbortSignal): Promise<TextSocket> {
    // Loaded here, so that importing this module costs a host nothing.
    const { WebSocket } = await import('ws')
    signal.throwIfAborted()
    const webSocket = new WebSocket(options.url, {
      headers: options.headers,
      perMessageDeflate: false,
      maxPayload: MAX_PAYLOAD_BYTES,
      ...(options.ca !== undefined && { ca: options.ca }),
    })
    const socket = new TextSocket(webSocket, options)
    const abort = () => socket.destroy(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    const opened = new Promise<void>((resolve) => {
      webSocket.once('open', resolve)
      webSocket.once('unexpected-response', (_request, response) => {
        socket.destroy(new UpgradeRefused(response.statusCode ?? 0, response.headers.date))
      })
    })
    try {
      await Promise.race([
        opened,
        socket.ended.then((error) => {
          throw error
        }),
      ])
      socket.#keepAlive.start()
      return socket
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Whether what is sent may still arrive. */
  get open(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN
  }

  /** Writes one message, in pieces that follow each other. ASCII alone: a character is a byte. */
  send(text: string): void {
    let at = 0
    do {
      const piece = text.slice(at, at + PIECE_BYTES)
      at += piece.length
      // What cannot be written ends the socket, and that is told once.
      this.#webSocket.send(piece, { fin: at >= text.length }, () => {})
    } while (at < text.length)
  }

  /** Says goodbye; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#webSocket.close(1000)
    const cancel = this.#clock.schedule(CLOSE_GRACE_MS, () => this.#webSocket.terminate())
    await this.ended
    cancel()
  }

  destroy(reason: Error): void {
    this.#reason ??= reason
    this.#webSocket.terminate()
  }
}
