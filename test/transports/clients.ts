import type { Transport } from '../../src/index.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { type MqttOptions, mqtt } from '../../src/transports/mqtt.js'

/** Every client that the same tests run over. */
export const CLIENTS: readonly { readonly client: string; make(options: MqttOptions): Transport }[] = [
  { client: 'mqtt, MQTT 3.1.1', make: (options) => mqtt(options) },
  { client: 'mqtt, MQTT 5', make: (options) => mqtt({ ...options, protocolVersion: 5 }) },
  { client: 'mqttLight', make: (options) => mqttLight(options) },
]
