import {
  checkAnySecret,
  checkClock,
  checkFlag,
  checkSecret,
  pem,
  wholeNumber,
} from '../core/base/option-checks.js'
import { checkOptions, mustBe, required } from '../core/base/options.js'
import { type Connection, MIN_FRAME_BYTES, type Transport } from '../core/contracts/transport.js'
import { checkAgent } from '../network/agent-option.js'
import { MQTT_ADVICE } from './mqtt/broker-advice.js'

import { connectMqtt } from './mqtt/connect.js'
import { mqttDiagnosis } from './mqtt/diagnosis.js'
import { checkConnectTimeout, MAX_FRAME_BYTES, type MqttOptions, mqttSettings } from './mqtt/options.js'
import { sessionKind } from './mqtt/session.js'

import { describeTopic } from './mqtt/topics.js'

import { preloadWebSocket } from './socket/package-web-socket.js'

export type { MqttOptions } from './mqtt/options.js'

/**
 * Connects through any MQTT broker, over TCP, TLS or WebSocket. Frames go at QoS 0: the core proves delivery end to
 * end, and a broker's acknowledgements would only come on top. Each connection has a clean session and a client id of
 * its own, and is used once: the core reconnects. The frame kept for a session's name is a retained message.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function mqtt(options: MqttOptions): Transport {
  checkOptions('mqtt', options, {
    url: required(checkSecret),
    username: checkAnySecret,
    password: checkAnySecret,
    ca: pem('CERTIFICATE'),
    agent: checkAgent,
    cert: pem('CERTIFICATE'),
    key: pem('PRIVATE KEY'),
    rejectUnauthorized: checkFlag,
    protocolVersion: (name, value) => mustBe('4 (MQTT 3.1.1) or 5', value === 4 || value === 5, name, value),
    frameBytes: wholeNumber(MIN_FRAME_BYTES, MAX_FRAME_BYTES),
    keepAliveSeconds: wholeNumber(1, 65_535),
    connectTimeoutMs: checkConnectTimeout,
    presence: checkFlag,
    clock: checkClock,
  })
  const settings = mqttSettings(options)
  const kind = sessionKind(options)
  if (/^wss?:/.test(settings.target.protocol)) preloadWebSocket()
  return {
    name: 'mqtt',
    limits: { frameBytes: settings.frameBytes },
    describe: describeTopic,
    diagnosis: () => mqttDiagnosis(settings, options),
    ...(kind.presence && { keeps: { everyMs: 0 } }),
    connect: (self, handlers, connectOptions): Promise<Connection> =>
      connectMqtt(
        kind,
        { ...settings, advice: MQTT_ADVICE, refusesSilently: false },
        self,
        handlers,
        connectOptions,
      ),
  }
}
