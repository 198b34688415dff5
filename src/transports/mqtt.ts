import type { MqttClient as PackageClient } from 'mqtt'
import { TetherError } from '../core/errors.js'
import type { Connection, Transport } from '../core/transport.js'
import { connectMqtt, type MqttClient, type MqttClientOptions } from './mqtt-connection.js'
import { checkMqttOptions, type MqttOptions } from './mqtt-options.js'

export type { MqttOptions } from './mqtt-options.js'

/**
 * Any MQTT broker, over TCP, TLS or WebSocket. Frames go at QoS 0: delivery is proven end to end by the core, and a
 * broker's acknowledgements would only add to it. Each connection has a clean session, a client id of its own and no
 * will, and lives once: reconnecting is the core's.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function mqtt(options: MqttOptions): Transport {
  const settings = checkMqttOptions(options)
  return {
    name: 'mqtt',
    limits: { frameBytes: settings.frameBytes },
    connect: (self, handlers, abort): Promise<Connection> =>
      connectMqtt(startPackageClient, settings, self, handlers, abort),
  }
}

// What a broker may send to a client that subscribes and publishes at QoS 0.
const EXPECTED: ReadonlySet<string> = new Set(['connack', 'suback', 'publish', 'pingresp', 'disconnect'])

/** Says CONNECT with the `mqtt` package's client; resolves at a CONNACK that accepts it. */
export async function startPackageClient(options: MqttClientOptions): Promise<MqttClient> {
  const { socket, target, clientId, frameBytes, onPublish } = options
  // Loaded here, so that importing this module costs a host nothing.
  const { MqttClient } = await import('mqtt')
  const client = new MqttClient(() => socket, {
    clientId,
    clean: true,
    keepalive: target.keepAliveSeconds,
    protocolVersion: target.protocolVersion,
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: 'native',
    // Connecting is timed by whoever called us.
    connectTimeout: 0x7fff_ffff,
  })
  client.on('packetreceive', (packet) => {
    if (EXPECTED.has(packet.cmd) && !(packet.cmd === 'publish' && packet.qos > 0)) return
    socket.destroy(new Error(`it sent a ${packet.cmd.toUpperCase()} that nothing here asked for`))
    // The package would answer it even so, with a packet id that may be none, and throw where nobody can catch.
    Object.assign(packet, { cmd: 'pingresp' })
  })
  client.on('message', (_topic, payload) => onPublish(payload))
  client.on('disconnect', ({ reasonCode }) =>
    socket.destroy(new Error(`it said DISCONNECT (reason ${reasonCode})`)),
  )
  // Its errors are about this connection, or about what no correct broker sends: either way it has ended.
  client.on('error', (error) => socket.destroy(error as Error))
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
  })
  checkPacketSize(client, frameBytes)
  return {
    async subscribe(filter) {
      const granted = await client.subscribeAsync(filter, { qos: 0 })
      if (granted.length !== 1 || granted[0]!.qos > 2)
        throw new Error(`it refused the subscription to '${filter}'`)
    },
    publish(topic, payload) {
      // Without a callback, for which the package would add a `drain` listener to each publish.
      // A copy: the package holds on to it, and the sender may use its own again.
      client.publish(topic, Buffer.from(payload), { qos: 0 })
      return !socket.writableNeedDrain
    },
    end() {
      client.end()
    },
  }
}

// MQTT 5 alone says it beforehand; the packet is the frame and at most 300 bytes of topic and headers.
function checkPacketSize(client: PackageClient, frameBytes: number): void {
  const maximum = client.serverProperties?.maximumPacketSize
  if (maximum === undefined || frameBytes + 300 <= maximum) return
  throw new TetherError(
    'INVALID_OPTION',
    `'frameBytes' is ${frameBytes}, and the broker takes packets of at most ${maximum} bytes. ` +
      `Set 'frameBytes' to ${maximum - 300} or less, on both sides.`,
    { details: { frameBytes, maximumPacketSize: maximum } },
  )
}
