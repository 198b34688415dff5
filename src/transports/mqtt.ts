import type { Connection, Transport } from '../core/transport.js'
import { connectMqtt } from './mqtt-connection.js'
import { checkMqttOptions, type MqttOptions } from './mqtt-options.js'
import { sessionKind } from './mqtt-session.js'

export type { MqttOptions } from './mqtt-options.js'

/**
 * Any MQTT broker, over TCP, TLS or WebSocket. Frames go at QoS 0: delivery is proven end to end by the core, and a
 * broker's acknowledgements would only add to it. Each connection has a clean session and a client id of its own, and
 * lives once: reconnecting is the core's. What is kept for a session's name is a retained message.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function mqtt(options: MqttOptions): Transport {
  const settings = checkMqttOptions(options)
  const kind = sessionKind(options.presence)
  return {
    name: 'mqtt',
    limits: { frameBytes: settings.frameBytes },
    ...(kind.presence && { keeps: { everyMs: 0 } }),
    connect: (self, handlers, connectOptions): Promise<Connection> =>
      connectMqtt(kind, settings, self, handlers, connectOptions),
  }
}
