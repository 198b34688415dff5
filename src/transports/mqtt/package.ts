import type { ErrorWithSubackPacket, MqttClient as PackageClient } from 'mqtt'
import { TetherError } from '../../core/base/errors.js'
import { clearInterval, setInterval } from '../../core/base/timers.js'
import { type MqttClient, type MqttClientOptions, refusedFilters } from './client.js'

// Packets that a broker may send to a client that subscribes and publishes at QoS 0.
const EXPECTED: ReadonlySet<string> = new Set([
  'connack',
  'suback',
  'unsuback',
  'publish',
  'pingresp',
  'disconnect',
])

// MQTT 5's CONNACK code for a retained will, from a broker without retained messages.
const RETAIN_NOT_SUPPORTED = 0x9a

/**
 * Starts loading the `mqtt` package, which takes 100 ms, while the host starts other parts. A failure shows at
 * `connect`.
 */
export function preloadPackage(): void {
  import('mqtt').catch(() => {})
}

/** Sends CONNECT with the `mqtt` package's client; resolves at a CONNACK that accepts it. */
export async function startPackageClient(options: MqttClientOptions): Promise<MqttClient> {
  const { socket, target, clientId, frameBytes, will, onPublish } = options
  // Loaded here, so that importing this module costs a host nothing.
  const { MqttClient } = await import('mqtt')
  const client = new MqttClient(() => socket, {
    clientId,
    clean: true,
    keepalive: target.keepAliveSeconds,
    protocolVersion: target.protocolVersion,
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 0, retain: true } }),
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Pings go on when a test runner replaces the global timers. The package types them as a browser's.
    timerVariant: { set: setInterval as never, clear: clearInterval as never },
    // The caller limits the time to connect.
    connectTimeout: 0x7fff_ffff,
  })
  client.on('packetreceive', (packet) => {
    if (EXPECTED.has(packet.cmd) && !(packet.cmd === 'publish' && packet.qos > 0)) return
    socket.destroy(new Error(`it sent a ${packet.cmd.toUpperCase()} that nothing here asked for`))
    // The package would still answer it, possibly without a packet id, and throw where the error cannot be caught.
    Object.assign(packet, { cmd: 'pingresp' })
  })
  client.on('message', onPublish)
  client.on('disconnect', ({ reasonCode }) =>
    socket.destroy(new Error(`it said DISCONNECT (reason ${reasonCode})`)),
  )
  // Its errors concern this connection or an invalid packet: either way the connection has ended.
  client.on('error', (error) => socket.destroy(error as Error))
  await accepted(client, options)
  checkPacketSize(client, frameBytes)
  return {
    async subscribe(filters, optional = []) {
      let cause: Error | undefined
      const granted = await client.subscribeAsync([...filters], { qos: 0 }).then(
        (grants) => grants.map(({ qos }) => qos),
        (error: Partial<ErrorWithSubackPacket> & Error) => {
          cause = error
          return error.packet?.granted as number[] | undefined
        },
      )
      if (cause !== undefined && !granted?.some((code) => code > 2)) throw cause
      return refusedFilters(filters, granted ?? [], optional, cause)
    },
    async unsubscribe(filters) {
      const answer = await client.unsubscribeAsync([...filters])
      const granted = answer?.cmd === 'unsuback' ? answer.granted : undefined
      const refused = filters.find((_filter, index) => Number(granted?.[index] ?? 0) >= 0x80)
      if (refused !== undefined) throw new Error(`it refused to end the subscription to '${refused}'`)
    },
    publish(topic, payload, retain = false) {
      // No callback: with one, the package adds a `drain` listener for each publish.
      // A copy: the package holds on to the payload, and the sender may reuse its buffer.
      client.publish(topic, Buffer.from(payload), { qos: 0, retain })
      return !socket.writableNeedDrain
    },
    end() {
      client.end()
    },
  }
}

/** Waits for a CONNACK that accepts. */
async function accepted(client: PackageClient, { will }: MqttClientOptions): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve())
      client.once('error', reject)
    })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    throw will !== undefined && code === RETAIN_NOT_SUPPORTED ? retainsNothing() : error
  }
  if (will !== undefined && client.serverProperties?.retainAvailable === false) throw retainsNothing()
}

function retainsNothing(): TetherError {
  return new TetherError(
    'INVALID_OPTION',
    "The broker takes no retained messages (MQTT 5). Set 'presence' to false on the session's side.",
  )
}

// Only MQTT 5 announces the limit; a packet is the frame and at most 300 bytes of topic and headers.
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
