import type { Connection, Transport } from '../../core/contracts/transport.js'
import { WebSocketClient } from '../socket/web-socket-client.js'
import { MQTT_ADVICE } from './broker-advice.js'
import { FilterRefused, type MqttClient, type MqttClientOptions, refusedFilters } from './client.js'
import {
  DISCONNECT,
  encodeConnect,
  encodePublish,
  encodeSubscribe,
  PacketDecoder,
  PINGREQ,
  type ServerPacket,
} from './codec.js'
import { connectMqtt, type MqttKind } from './connect.js'
import { type MqttOptions, mqttSettings } from './options.js'

/** As {@link MqttOptions}, without MQTT 5 and what is the session's. */
export type MqttLightOptions = Omit<MqttOptions, 'protocolVersion' | 'presence' | 'agent'>

/**
 * The transport of `mqtt()` in small, for the stub: MQTT 3.1.1 alone, without the `mqtt` package, whose loading a
 * cold start would pay for.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function mqttLight(options: MqttLightOptions): Transport {
  const settings = mqttSettings(options)
  return {
    name: 'mqtt',
    limits: { frameBytes: settings.frameBytes },
    watches: true,
    connect: (self, handlers, options): Promise<Connection> =>
      connectMqtt(
        lightKind,
        { ...settings, advice: MQTT_ADVICE, refusesSilently: false },
        self,
        handlers,
        options,
      ),
  }
}

/** Speaks with the small client. It watches what is kept, and keeps nothing: a stub has no will. */
export const lightKind: MqttKind = {
  sockets: { openWebSocket: (options) => new WebSocketClient(options) },
  presence: true,
  async start(options) {
    const client = new LightClient(options)
    await client.accepted
    return client
  },
}

// Frames are at most what the sender's broker takes; a peer that announces more than this is none of ours.
const MAX_PACKET_BYTES = 16 * 1024 * 1024
const PACKET_ID = 1

const REFUSALS: Readonly<Record<number, string>> = {
  1: 'it does not speak MQTT 3.1.1',
  2: 'it does not allow this client id',
  3: 'the service is unavailable',
  4: 'wrong user name or password',
  5: 'not authorized',
}

class LightClient implements MqttClient {
  /** Resolves at the CONNACK, rejects if it refuses. */
  readonly accepted: Promise<void>
  readonly #options: MqttClientOptions
  readonly #decoder: PacketDecoder
  #answer!: { resolve: (packet: ServerPacket) => void; type: ServerPacket['type'] }
  #sent = true
  #received = true
  #silentTicks = 0

  constructor(options: MqttClientOptions) {
    const { socket, target, clientId, frameBytes } = options
    this.#options = options
    this.#decoder = new PacketDecoder(Math.max(MAX_PACKET_BYTES, frameBytes + 1_024))
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.accepted = this.#next('connack').then(({ returnCode }) => {
      if (returnCode === 0) return this.#keepAlive()
      const reason = REFUSALS[returnCode] ?? 'unknown reason'
      const error = new Error(`it refused the connection: ${reason} (code ${returnCode})`)
      throw Object.assign(error, { code: returnCode })
    })
    socket.write(encodeConnect({ ...target, clientId }))
  }

  async subscribe(filters: readonly string[], optional: readonly string[] = []): Promise<readonly string[]> {
    const answer = this.#next('suback')
    this.#write(encodeSubscribe(PACKET_ID, filters))
    const { packetId, granted } = await answer
    if (packetId !== PACKET_ID || granted.length !== filters.length) throw new FilterRefused(filters[0]!)
    return refusedFilters(filters, granted, optional)
  }

  publish(topic: string, payload: Uint8Array): boolean {
    return this.#write(encodePublish(topic, payload))
  }

  end(): void {
    this.#options.socket.end(DISCONNECT)
  }

  #write(bytes: Uint8Array): boolean {
    this.#sent = true
    return this.#options.socket.write(bytes)
  }

  // Whoever waits also watches the socket, so an answer that never comes needs no rejection here.
  #next<T extends ServerPacket['type']>(type: T): Promise<Extract<ServerPacket, { type: T }>> {
    return new Promise((resolve) => {
      this.#answer = { type, resolve: resolve as (packet: ServerPacket) => void }
    })
  }

  #read(chunk: Buffer): void {
    const { socket } = this.#options
    this.#received = true
    try {
      for (const packet of this.#decoder.push(chunk)) {
        if (packet.type === 'publish') this.#options.onPublish(packet.topic, packet.payload)
        else if (packet.type !== 'pingresp') this.#settle(packet)
        if (socket.destroyed) return
      }
    } catch (error) {
      socket.destroy(error as Error)
    }
  }

  #settle(packet: ServerPacket): void {
    if (packet.type !== this.#answer.type)
      throw new Error(`it sent an unexpected ${packet.type.toUpperCase()}`)
    this.#answer.resolve(packet)
  }

  /** Every half of the keep-alive: a ping if either side was silent, the end after three silent halves of theirs. */
  #keepAlive(): void {
    const { socket, clock, target } = this.#options
    const tick = () => {
      this.#silentTicks = this.#received ? 0 : this.#silentTicks + 1
      if (this.#silentTicks >= 3) {
        socket.destroy(new Error(`it was silent for ${target.keepAliveSeconds * 1.5} s`))
        return
      }
      if (!this.#sent || this.#silentTicks > 0) socket.write(PINGREQ)
      this.#sent = false
      this.#received = false
      cancel = clock.schedule(target.keepAliveSeconds * 500, tick)
    }
    let cancel = clock.schedule(target.keepAliveSeconds * 500, tick)
    socket.once('close', () => cancel())
  }
}
