import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ConnectPhase } from './connect-phase.js'
import { Cutter } from './cutter.js'
import { hostOf, plainSocket } from './plain-socket.js'
import { socketPhase } from './socket-phase.js'
import type { WebSocketConnection, WebSocketEnd, WebSocketOptions } from './web-socket.js'
import {
  decodeFrame,
  encodeWebSocketFrame,
  frameLength,
  OPCODES,
  type WebSocketFrame,
} from './web-socket-frames.js'
import { readUpgrade, type UpgradeRequest, upgradeRequest } from './web-socket-upgrade.js'

const NO_WORD = { code: 1006, reason: '' }
const NO_CODE = 1005

/** The WebSocket client of a stub: small, since each kilobyte costs time at a cold start. */
export class WebSocketClient implements WebSocketConnection {
  readonly opened: Promise<void>
  readonly ended: Promise<WebSocketEnd>
  readonly #options: WebSocketOptions
  readonly #socket: Socket
  readonly #request: UpgradeRequest
  readonly #frames: Cutter
  readonly #phase: () => ConnectPhase
  #onOpened: () => void = () => {}
  #state: 'connecting' | 'open' | 'closing' = 'connecting'
  #head = Buffer.alloc(0)
  #error: Error | undefined
  #goodbye = NO_WORD
  /** The frames of the message that is arriving. */
  #parts: Buffer[] = []
  #partBytes = 0
  #text = false
  /** Whether a message is sent in part. */
  #midMessage = false

  /** Connects. */
  constructor(options: WebSocketOptions) {
    const { url, headers, protocol, ca, cert, key, rejectUnauthorized, maxMessageBytes } = options
    this.#options = options
    this.#request = { url, headers, protocol, key: randomBytes(16).toString('base64') }
    this.#frames = new Cutter((start) => frameLength(start, maxMessageBytes))
    const secure = url.protocol === 'wss:'
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
    const tls = { alpn: 'http/1.1', ca, cert, key, rejectUnauthorized }
    const target = { host: hostOf(url), port, secure, ...tls }
    const { socket, connected } = plainSocket(target)
    this.#socket = socket
    this.#phase = socketPhase(socket, target, 'upgrade')
    void connected.then(() => socket.write(upgradeRequest(this.#request)))
    this.opened = new Promise((resolve) => {
      this.#onOpened = resolve
    })
    this.ended = new Promise((resolve) => {
      // Never removed: an error without a listener would end the process.
      socket.on('error', (error) => {
        this.#error ??= error
      })
      socket.once('close', () => resolve({ error: this.#error, ...this.#goodbye }))
    })
    socket.on('data', (chunk) => this.#receive(chunk))
  }

  get phase(): ConnectPhase {
    return this.#phase()
  }

  get open(): boolean {
    return this.#state === 'open' && !this.#socket.destroyed
  }

  send(
    payload: Uint8Array,
    { text = false, end = true }: { readonly text?: boolean; readonly end?: boolean },
    written?: (error?: Error | null) => void,
  ): void {
    const opcode = this.#midMessage ? OPCODES.continuation : text ? OPCODES.text : OPCODES.binary
    this.#midMessage = !end
    this.#write(opcode, end, payload, written)
  }

  ping(): void {
    this.#write(OPCODES.ping, true, Buffer.alloc(0))
  }

  close(code: number): void {
    if (this.#state !== 'open') return this.#state === 'connecting' ? void this.#socket.destroy() : undefined
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code)
    this.#write(OPCODES.close, true, payload)
    this.#state = 'closing'
  }

  destroy(error?: Error): void {
    this.#error ??= error
    this.#socket.destroy()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  #write(opcode: number, fin: boolean, payload: Uint8Array, written?: (error?: Error | null) => void): void {
    if (this.#state !== 'open') return written?.(new Error('the WebSocket is not open'))
    this.#socket.write(encodeWebSocketFrame(opcode, fin, payload), written)
  }

  #receive(chunk: Buffer): void {
    try {
      if (this.#state !== 'connecting') return this.#read(chunk)
      this.#head = Buffer.concat([this.#head, chunk])
      const rest = readUpgrade(this.#head, this.#request)
      if (rest === undefined) return
      this.#state = 'open'
      this.#onOpened()
      if (rest.length > 0) this.#read(rest)
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #read(chunk: Buffer): void {
    for (const frame of this.#frames.push(chunk)) {
      this.#take(decodeFrame(frame))
      if (this.#socket.destroyed) return
    }
  }

  #take({ opcode, fin, payload }: WebSocketFrame): void {
    switch (opcode) {
      case OPCODES.ping:
        return this.#write(OPCODES.pong, true, payload)
      case OPCODES.pong:
        return this.#options.onPong?.()
      case OPCODES.close:
        this.#goodbye =
          payload.length < 2
            ? { code: NO_CODE, reason: '' }
            : { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) }
        // The answer to our close frame: the socket closes once the peer ends its half as well.
        if (this.#state === 'closing') return void this.#socket.end()
        this.#write(OPCODES.close, true, payload.subarray(0, 2))
        this.#state = 'closing'
        return this.#socket.destroySoon()
      default:
        return this.#collect(opcode, fin, payload)
    }
  }

  #collect(opcode: number, fin: boolean, payload: Buffer): void {
    const begun = this.#parts.length > 0
    if ((opcode === OPCODES.continuation) !== begun)
      throw new Error('it mixed the frames of WebSocket messages')
    if (!begun) this.#text = opcode === OPCODES.text
    this.#parts.push(payload)
    this.#partBytes += payload.length
    const { maxMessageBytes } = this.#options
    if (this.#partBytes > maxMessageBytes)
      throw new Error(`it sent a WebSocket message of more than ${maxMessageBytes} bytes`)
    if (!fin) return
    const message = this.#parts.length === 1 ? payload : Buffer.concat(this.#parts)
    this.#parts = []
    this.#partBytes = 0
    this.#options.onMessage(message, this.#text)
  }
}
