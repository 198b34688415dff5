import { Duplex } from 'node:stream'
import type { ConnectPhase } from './connect-phase.js'
import type { OpenWebSocket, WebSocketConnection, WebSocketOptions } from './web-socket.js'

// The default limit of `ws`; a broker may join packets.
const MAX_MESSAGE_BYTES = 100 * 1024 * 1024

/** MQTT's bytes over a WebSocket: each write becomes one message, and received messages are joined. */
export class WebSocketStream extends Duplex {
  /** Resolves when the broker has accepted. Never rejects. */
  readonly opened: Promise<void>
  readonly #client: WebSocketConnection

  /** Connects. */
  constructor(
    open: OpenWebSocket,
    target: Pick<WebSocketOptions, 'url' | 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>,
  ) {
    super()
    this.#client = open({
      ...target,
      protocol: 'mqtt',
      maxMessageBytes: MAX_MESSAGE_BYTES,
      onMessage: (payload) => {
        if (!this.push(payload)) this.#client.pause()
      },
    })
    const { opened, ended } = this.#client
    this.opened = opened
    void ended.then(({ error }) => (error === undefined ? this.push(null) : this.destroy(error)))
  }

  /** The phase that opening has reached. */
  get phase(): ConnectPhase {
    return this.#client.phase
  }

  override _read(): void {
    this.#client.resume()
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#client.send(chunk, {}, callback)
  }

  /** One MQTT packet written in pieces becomes one WebSocket message. */
  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer', callback)
  }

  override _final(callback: () => void): void {
    this.#client.close(1000)
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#client.destroy()
    callback(error)
  }
}
