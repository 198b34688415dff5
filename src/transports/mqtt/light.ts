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

/** {@link MqttOptions} without MQTT 5 and without the session's own options. */
export type MqttLightOptions = Omit<MqttOptions, 'protocolVersion' | 'presence' | 'agent'>

/**
 * The small version of `mqtt()` for the stub: MQTT 3.1.1 only, without the `mqtt` package, which would make cold starts
 * slower.
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

/** Uses the small client. It watches kept frames but keeps none: a stub has no will. */
export const lightKind: MqttKind = {
  sockets: { openWebSocket: (options) => new WebSocketClient(options) },
  presence: true,
  async start(options) {
    const client = new LightClient(options)
    await client.accepted
    return client
  },
}

// A frame is at most as large as the sender's broker accepts; a larger packet is not from lambda-tether.
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

  // The caller also watches the socket, so a missing answer needs no rejection here.
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

  /**
   * Runs every half of the keep-alive time: pings if either side was silent, and ends the connection after three halves
   * without a byte from the broker.
   */
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
