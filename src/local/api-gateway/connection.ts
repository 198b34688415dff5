import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Cancel, Clock } from '../../core/base/clock.js'
import type { ConnectionFacts, WebSocketEnding } from './event.js'
import type { WebSocketApiLimits } from './limits.js'
import { FrameHeads } from './web-socket-frames.js'

/** A connection's surroundings. */
export interface GatewayConnectionOptions {
  readonly facts: ConnectionFacts
  readonly limits: WebSocketApiLimits
  readonly clock: Clock
  onMessage(text: string): void
  /** Called once, at the first sign of its end. */
  onEnd(ending: WebSocketEnding): void
}

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const GOING_AWAY: WebSocketEnding = { code: 1001, reason: 'Going away' }

/** A client of a WebSocket API, with API Gateway's limits enforced. */
export class GatewayConnection {
  readonly #options: GatewayConnectionOptions
  readonly #webSocket: WebSocket
  readonly #heads = new FrameHeads()
  #messageBytes = 0
  #lastActiveAt: number
  #cancel: Cancel = () => {}
  #ended = false
  #silent = false

  /** @param socket the socket below `webSocket`, which must not have read from it yet */
  constructor(webSocket: WebSocket, socket: Duplex, options: GatewayConnectionOptions) {
    this.#options = options
    this.#webSocket = webSocket
    this.#lastActiveAt = options.clock.now()
    // Before the WebSocket reads it: a frame over the limit ends the connection, even if its message would be valid.
    socket.prependListener('data', (chunk: Buffer) => this.#inspect(chunk))
    webSocket.on('message', (data) => this.#receive(data))
    webSocket.on('close', (code, reason) => this.#over({ code, reason: reason.toString() }))
    // A 'close' event follows.
    webSocket.on('error', () => {})
    this.#watch()
  }

  get facts(): ConnectionFacts {
    return this.#options.facts
  }

  /** Time of the last message in either direction, in Unix milliseconds. */
  get lastActiveAt(): number {
    return this.#lastActiveAt
  }

  /** Sends a message to the client; false if too many bytes are buffered for it. */
  send(message: Uint8Array): boolean {
    const { limits, clock } = this.#options
    if (this.#webSocket.bufferedAmount > limits.clientBufferBytes) return false
    this.#lastActiveAt = clock.now()
    if (this.#silent) return true
    const frameBytes = Math.max(1, limits.frameBytes)
    for (let at = 0; ; at += frameBytes) {
      const fin = at + frameBytes >= message.byteLength
      this.#webSocket.send(message.subarray(at, at + frameBytes), { binary: false, fin })
      if (fin) return true
    }
  }

  /** Sends a close frame and ends the connection without waiting for the client's. */
  end(ending: WebSocketEnding): void {
    if (!this.#silent) this.#webSocket.close(ending.code, ending.reason)
    this.#over(ending)
  }

  /**
   * Breaks the connection without a close frame. `silently`: the socket stays open but carries nothing more, as after a
   * NAT time-out; API Gateway does not notice either.
   */
  cut({ silently = false }: { readonly silently?: boolean } = {}): void {
    if (silently) {
      this.#silent = true
      this.#webSocket.pause()
    } else {
      this.#webSocket.terminate()
      this.#over({ code: 1006, reason: 'Connection closed abnormally' })
    }
  }

  #inspect(chunk: Buffer): void {
    if (this.#ended || this.#silent) return
    const { limits } = this.#options
    for (const { opcode, length } of this.#heads.push(chunk)) {
      if (opcode === BINARY) return this.end({ code: 1003, reason: 'Binary frames are not supported' })
      if (opcode !== TEXT && opcode !== CONTINUATION) continue
      if (length > limits.frameBytes) {
        return this.end({ code: 1009, reason: `Frame of ${length} bytes exceeds ${limits.frameBytes}` })
      }
      this.#messageBytes = length + (opcode === TEXT ? 0 : this.#messageBytes)
      if (this.#messageBytes > limits.messageBytes) {
        const reason = `Message of ${this.#messageBytes} bytes or more exceeds ${limits.messageBytes}`
        return this.end({ code: 1009, reason })
      }
    }
  }

  #receive(data: RawData): void {
    if (this.#ended || this.#silent) return
    this.#lastActiveAt = this.#options.clock.now()
    this.#options.onMessage(data.toString())
  }

  #watch(): void {
    const { clock, facts, limits } = this.#options
    const diesAt = facts.connectedAt + limits.lifetimeMs
    const dueInMs = Math.min(this.#lastActiveAt + limits.idleMs, diesAt) - clock.now()
    if (dueInMs <= 0) return this.end(GOING_AWAY)
    if (Number.isFinite(dueInMs)) this.#cancel = clock.schedule(dueInMs, () => this.#watch())
  }

  #over(ending: WebSocketEnding): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancel()
    this.#options.onEnd(ending)
  }
}
