import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import { createWebSocketStream, WebSocket } from 'ws'

type Command = NonNullable<Packet['cmd']>

/** An MQTT client that sends exactly what it is told and nothing by itself, so that it can break every rule. */
export class RawMqttClient {
  /** Every packet that arrived, in its order. */
  readonly packets: Packet[] = []
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>
  readonly stream: Duplex
  readonly webSocket: WebSocket | undefined
  readonly #waiting: (() => void)[] = []
  #open = true

  private constructor(stream: Duplex, webSocket?: WebSocket) {
    this.stream = stream
    this.webSocket = webSocket
    const packets = parser({ protocolVersion: 4 })
    packets.on('packet', (packet) => {
      this.packets.push(packet)
      for (const wake of this.#waiting.splice(0)) wake()
    })
    stream.on('data', (chunk) => packets.parse(chunk))
    stream.on('error', () => stream.destroy())
    // A WebSocket's stream does not close by itself when the other side has.
    stream.on('end', () => stream.destroy())
    this.closed = new Promise((resolve) => {
      stream.on('close', () => {
        this.#open = false
        for (const wake of this.#waiting.splice(0)) wake()
        resolve()
      })
    })
  }

  /** A socket to an `mqtt://` or `ws://` URL, with nothing sent yet. */
  static async open(url: string): Promise<RawMqttClient> {
    if (url.startsWith('mqtt:')) {
      const { hostname, port } = new URL(url)
      const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true })
      await once(socket, 'connect')
      return new RawMqttClient(socket)
    }
    const webSocket = new WebSocket(url, 'mqtt')
    const client = new RawMqttClient(createWebSocketStream(webSocket), webSocket)
    await once(webSocket, 'open')
    return client
  }

  /** A socket and an accepted CONNECT. */
  static async connect(url: string, options: Partial<IConnectPacket> = {}): Promise<RawMqttClient> {
    const client = await RawMqttClient.open(url)
    const connack = await client.hello(options)
    if (connack !== 0) throw new Error(`CONNACK ${connack}`)
    return client
  }

  /** Sends CONNECT and gives the CONNACK's return code, or undefined if the connection ended instead. */
  async hello(options: Partial<IConnectPacket> = {}): Promise<number | undefined> {
    const clientId = `raw-${Math.random().toString(16).slice(2)}`
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
      clientId,
      ...options,
    })
    return (await this.next('connack'))?.returnCode
  }

  send(packet: Packet): void {
    this.stream.write(generate(packet))
  }

  publish(topic: string, payload: string | Buffer = 'x', options: Record<string, unknown> = {}): void {
    this.send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false, ...options })
  }

  /** Subscribes and gives the SUBACK's codes, or undefined if the connection ended instead. */
  async subscribe(filters: string | string[], qos: 0 | 1 | 2 = 0): Promise<readonly unknown[] | undefined> {
    const subscriptions = [filters].flat().map((topic) => ({ topic, qos }))
    this.send({ cmd: 'subscribe', messageId: 7, subscriptions })
    return (await this.next('suback'))?.granted
  }

  /** Resolves when the broker has answered a PINGREQ: what was sent before has been taken in. */
  async ping(): Promise<void> {
    this.send({ cmd: 'pingreq' })
    if (!(await this.next('pingresp'))) throw new Error('the connection ended')
  }

  /** The next packet of this kind that was not asked for before; undefined when the connection has ended. */
  async next<C extends Command>(cmd: C): Promise<Extract<Packet, { cmd: C }> | undefined> {
    for (;;) {
      for (let i = 0; i < this.packets.length; i++) {
        const packet = this.packets[i]!
        if (packet.cmd !== cmd) continue
        this.packets.splice(i, 1)
        return packet as Extract<Packet, { cmd: C }>
      }
      if (!this.#open) return undefined
      await new Promise<void>((wake) => this.#waiting.push(wake))
    }
  }

  /** How many packets of this kind lie there unread. */
  count(cmd: Command): number {
    return this.packets.filter((packet) => packet.cmd === cmd).length
  }

  /** Ends the socket without DISCONNECT. */
  async cut(): Promise<void> {
    this.webSocket ? this.webSocket.terminate() : this.stream.destroy()
    await this.closed
  }
}
