import { Duplex } from 'node:stream'
import type { Cancel, Clock } from '../../core/base/clock.js'
import type { Ending, IotConnection, Verdict } from './connection.js'
import { DISCONNECT_PACKET, type MqttPacket, MqttSplitter } from './mqtt-packets.js'
import { PacedQueue } from './paced-queue.js'
import { Throughput } from './rate.js'

/** Facts about a gate's connection. */
export interface GateOptions {
  /** Lifetime after which AWS would end the connection, in milliseconds. */
  readonly lifetimeMs?: number
  /** Whether the client closed the connection properly, but without DISCONNECT: with a WebSocket close frame. */
  readonly closedInOrder?: () => boolean
  /** Called once, when the connection has ended. */
  readonly onEnd: (ending: Ending) => void
}

// How much aedes may write ahead of a paced connection. Beyond it aedes waits, and so do publishers to this client.
const WRITE_AHEAD_BYTES = 16 * 1024 * 1024
// Bytes of a PUBLISH besides topic and payload: two lengths of 2 bytes.
const PUBLISH_OVERHEAD_BYTES = 4

/**
 * A stream between a socket and aedes that applies the decisions of {@link IotConnection} to the client: packets pass,
 * wait, vanish or end the connection.
 */
export class IotGate extends Duplex {
  readonly connection: IotConnection
  readonly #socket: Duplex
  readonly #options: GateOptions
  readonly #clock: Clock
  readonly #fromClient: MqttSplitter
  readonly #fromBroker = new MqttSplitter()
  readonly #in: PacedQueue
  readonly #out: PacedQueue
  #ending: Ending | undefined
  #socketEnded = false
  #written: (() => void) | undefined
  #heardAt: number
  #cancelKeepAlive: Cancel | undefined
  #cancelLifetime: Cancel | undefined
  #leaveOpen = false

  constructor(socket: Duplex, connection: IotConnection, options: GateOptions) {
    super({ writableHighWaterMark: WRITE_AHEAD_BYTES })
    const { limits, clock } = connection.rules
    this.connection = connection
    this.#socket = socket
    this.#options = options
    this.#clock = clock
    this.#heardAt = clock.now()
    this.#fromClient = new MqttSplitter(limits.payloadBytes + limits.topicBytes + PUBLISH_OVERHEAD_BYTES)
    // AWS counts a connection's sent and received bytes together.
    const throughput = new Throughput(limits.bytesPerSecond)
    this.#in = new PacedQueue(
      throughput,
      clock,
      (bytes) => this.#forward(bytes),
      () => this.#inIdle(),
    )
    this.#out = new PacedQueue(
      throughput,
      clock,
      (bytes) => socket.write(bytes),
      () => this.#outIdle(),
    )
    if (options.lifetimeMs !== undefined && Number.isFinite(options.lifetimeMs)) {
      const detail = `the connection has lived ${options.lifetimeMs} ms`
      this.#cancelLifetime = clock.schedule(options.lifetimeMs, () =>
        this.cut({ reason: 'WEBSOCKET_TTL_EXPIRATION', detail }),
      )
    }
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#socketEnd())
    socket.on('error', (error) => this.cut({ reason: 'CONNECTION_LOST', detail: error.message }))
    socket.on('close', () => {
      if (!this.#socketEnded) this.cut({ reason: 'CONNECTION_LOST', detail: 'the socket closed' })
    })
  }

  /**
   * Ends the connection at once, without DISCONNECT. `leaveOpen`: the socket stays open, but nothing is read or sent.
   */
  cut(ending: Ending, options: { leaveOpen?: boolean } = {}): void {
    if (this.destroyed) return
    this.#ending ??= ending
    this.#leaveOpen = options.leaveOpen ?? false
    this.destroy()
  }

  /** Sets the reason for an end that aedes, not the gate, will cause. */
  expectEnd(ending: Ending): void {
    this.#ending ??= ending
  }

  /** From now on, cuts a client that is silent for one and a half times this long, as MQTT requires. */
  keepAlive(seconds: number): void {
    const allowedMs = seconds * 1500
    const check = () => {
      const silentMs = this.#clock.now() - this.#heardAt
      if (silentMs >= allowedMs) {
        const detail = `silent for ${silentMs} ms; a keep-alive of ${seconds} s allows ${allowedMs}`
        this.cut({ reason: 'MQTT_KEEP_ALIVE_TIMEOUT', detail })
      } else this.#cancelKeepAlive = this.#clock.schedule(allowedMs - silentMs, check)
    }
    this.#cancelKeepAlive = this.#clock.schedule(allowedMs, check)
  }

  override _read(): void {
    if (this.#in.idle) this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#cancelKeepAlive?.()
    this.#cancelLifetime?.()
    this.#in.clear()
    this.#out.clear()
    if (this.#leaveOpen) this.#socket.removeAllListeners('data').pause()
    else this.#socket.destroy()
    this.#options.onEnd(this.#endingFor(error))
    done(error)
  }

  #receive(chunk: Buffer): void {
    let packets: MqttPacket[]
    try {
      packets = this.#fromClient.push(chunk)
    } catch (error) {
      this.cut({ reason: 'CLIENT_ERROR', detail: (error as Error).message })
      return
    }
    if (packets.length > 0) this.#heardAt = this.#clock.now()
    for (const packet of packets) {
      this.#apply(this.connection.inbound(packet), packet, this.#in)
      if (this.destroyed) return
      for (const released of this.connection.released()) this.#out.push(released.bytes)
    }
    if (!this.#in.idle) this.#socket.pause()
  }

  #send(bytes: Buffer, done: () => void): void {
    for (const packet of this.#fromBroker.push(bytes)) {
      this.#apply(this.connection.outbound(packet), packet, this.#out)
    }
    this.#written = done
    if (this.#out.idle) this.#outIdle()
  }

  #apply(verdict: Verdict, packet: MqttPacket, queue: PacedQueue): void {
    if (verdict.kind === 'pass') queue.push(packet.bytes)
    else if (verdict.kind === 'cut') this.cut(verdict.ending)
    // Written through the stream that aedes writes to, so that it never splits one of aedes's packets.
    else if (verdict.kind === 'answer') this.write(verdict.bytes)
  }

  #forward(bytes: Buffer): void {
    if (!this.push(bytes)) this.#socket.pause()
  }

  #inIdle(): void {
    if (this.#socketEnded) this.#endReading()
    else this.#socket.resume()
  }

  #outIdle(): void {
    const done = this.#written
    this.#written = undefined
    if (done && this.#socket.writableNeedDrain) this.#socket.once('drain', done)
    else done?.()
  }

  #socketEnd(): void {
    this.#socketEnded = true
    if (this.#in.idle) this.#endReading()
  }

  #endReading(): void {
    // AWS treats a WebSocket close frame as the client's own DISCONNECT, so no last will is sent.
    if (this.#options.closedInOrder?.() && !this.connection.saidGoodbye) {
      this.connection.saidGoodbye = true
      this.push(DISCONNECT_PACKET)
    }
    this.push(null)
  }

  #endingFor(error: Error | null): Ending {
    if (this.#ending) return this.#ending
    if (this.connection.saidGoodbye)
      return { reason: 'CLIENT_INITIATED_DISCONNECT', detail: 'the client said goodbye' }
    if (error) return { reason: 'CLIENT_ERROR', detail: error.message }
    if (this.#socketEnded) return { reason: 'CONNECTION_LOST', detail: 'the client closed the socket' }
    return { reason: 'CLIENT_ERROR', detail: 'the client broke the protocol' }
  }
}
