import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import type { Transport } from '../../src/index.js'
import type { MqttOptions } from '../../src/transports/mqtt.js'
import { Inbox, stub } from './inbox.js'

type Command = NonNullable<Packet['cmd']>
type PacketOf<C extends Command> = Extract<Packet, { cmd: C }>

/** A broker that says what a test tells it to, and nothing by itself. */
export class ScriptedBroker implements AsyncDisposable {
  readonly #server: Server
  readonly #arrived: Peer[] = []
  #wake = () => {}
  readonly #peers: Peer[] = []

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      const peer = new Peer(socket)
      this.#peers.push(peer)
      this.#arrived.push(peer)
      this.#wake()
    })
  }

  static async listen(): Promise<ScriptedBroker> {
    const server = createServer()
    const broker = new ScriptedBroker(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return broker
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  /** How many connections there have been. */
  get connections(): number {
    return this.#peers.length
  }

  /** The next connection. */
  async accept(): Promise<Peer> {
    while (this.#arrived.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#arrived.shift()!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const { socket } of this.#peers) socket.destroy()
    await once(this.#server, 'close')
  }
}

/** One client's connection to a {@link ScriptedBroker}. */
export class Peer {
  readonly socket: Socket
  /** Resolves when the client's side has ended. */
  readonly ended: Promise<void>
  readonly #packets: Packet[] = []
  readonly #parser = parser()
  #wake = () => {}
  #over = false
  #version = 4

  constructor(socket: Socket) {
    this.socket = socket
    this.#parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') this.#version = packet.protocolVersion ?? 4
      this.#packets.push(packet)
      this.#wake()
    })
    // What is no MQTT, such as a TLS greeting, a test that wants it looks at itself.
    this.#parser.on('error', () => {})
    socket.on('data', (chunk) => this.#parser.parse(chunk))
    socket.on('error', () => {})
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#over = true
        this.#wake()
        resolve()
      }
      socket.once('end', end)
      socket.once('close', end)
    })
  }

  /** The client's next packet, which must be of this kind. */
  async next<C extends Command>(command: C): Promise<PacketOf<C>> {
    while (this.#packets.length === 0) {
      if (this.#over) throw new Error(`The client left before its ${command}.`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const packet = this.#packets.shift()!
    if (packet.cmd !== command) throw new Error(`The client said ${packet.cmd}, not ${command}.`)
    return packet as PacketOf<C>
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: this.#version }))
  }

  /** Accepts the client and its subscription. */
  async admit(): Promise<{ connect: PacketOf<'connect'>; subscribe: PacketOf<'subscribe'> }> {
    const connect = await this.next('connect')
    this.accept()
    const subscribe = await this.next('subscribe')
    const granted = subscribe.subscriptions.map(() => 0)
    this.send({ cmd: 'suback', messageId: subscribe.messageId!, granted })
    return { connect, subscribe }
  }

  /** Says CONNACK. */
  accept(): void {
    this.send({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false })
  }
}

/** The bytes of what is no MQTT, and their names. */
export const RUBBISH: readonly (readonly [string, Buffer])[] = [
  ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['zeros', Buffer.alloc(64)],
  ['a length without end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ['a PUBLISH whose topic is longer than itself', Buffer.from([0x30, 3, 0xff, 0xff, 1])],
]

/** A connection to a scripted broker, and the broker's end of it. */
export async function connected(
  broker: ScriptedBroker,
  make: (options: MqttOptions) => Transport,
  options = {},
) {
  const inbox = new Inbox()
  const connecting = make({ url: broker.url, ...options }).connect(stub, inbox)
  const peer = await broker.accept()
  const asked = await peer.admit()
  return { connection: await connecting, inbox, peer, ...asked }
}
