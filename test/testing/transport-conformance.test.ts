import { afterAll, describe, test } from 'vitest'
import type { Transport } from '../../src/core/transport.js'
import { createLocalBroker, type LocalBroker } from '../../src/local/broker.js'
import { faulty, type TransportUnderTest, transportConformance } from '../../src/testing/index.js'
import { iot } from '../../src/transports/iot.js'
import { iotLight } from '../../src/transports/iot-light.js'
import { memory } from '../../src/transports/memory.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { mqttLight } from '../../src/transports/mqtt-light.js'
import { type Mosquitto, mosquitto, startMosquitto } from '../support/mosquitto.js'

describe('memory', () => {
  const factory = () => ({ transport: memory(), close() {} })
  transportConformance({ test, factory, without: ['cut', 'serve'] })
})

describe('memory behind an empty plan of faults', () => {
  const factory = () => ({ transport: faulty(memory(), { seed: 1 }), close() {} })
  transportConformance({ test, factory, without: ['cut', 'serve'] })
})

const region = 'eu-west-1'
const identity = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' }

describe.each<[string, (broker: LocalBroker) => Transport]>([
  ['mqtt', ({ mqttUrl }) => mqtt({ url: mqttUrl })],
  ['mqttLight', ({ mqttUrl }) => mqttLight({ url: mqttUrl })],
  ['iot', ({ webSocketUrl }) => iot({ endpoint: webSocketUrl, region, credentials: identity })],
  [
    'iotLight',
    ({ webSocketUrl }) => iotLight({ endpoint: webSocketUrl, region, credentials: () => identity }),
  ],
  ['mqtt behind an empty plan of faults', ({ mqttUrl }) => faulty(mqtt({ url: mqttUrl }), { seed: 1 })],
])('%s over the local broker', (_name, make) => {
  const factory = async (): Promise<TransportUnderTest> => {
    const broker = createLocalBroker({ region, identities: [identity] })
    await broker.open()
    return {
      transport: make(broker),
      cut: () => broker.disconnectAll(),
      close: () => broker.close(),
    }
  }
  transportConformance({ test, factory, without: ['serve'] })
})

describe.skipIf(!mosquitto)('over Mosquitto (needs Mosquitto)', () => {
  let running: Mosquitto | undefined
  const stop = async () => {
    const broker = running
    running = undefined
    await broker?.[Symbol.asyncDispose]()
  }
  afterAll(stop)

  describe.each<[string, (url: string) => Transport]>([
    ['mqtt, MQTT 3.1.1', (url) => mqtt({ url })],
    ['mqtt, MQTT 5', (url) => mqtt({ url, protocolVersion: 5 })],
    ['mqttLight', (url) => mqttLight({ url })],
  ])('%s', (_name, make) => {
    const factory = async (): Promise<TransportUnderTest> => {
      running ??= await startMosquitto()
      return { transport: make(running.url), cut: stop, close() {} }
    }
    transportConformance({ test, factory, without: ['serve'] })
  })
})
