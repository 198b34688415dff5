import { afterAll, describe, test } from 'vitest'
import type { Transport } from '../../src/index.js'
import type { LocalBroker, LocalBrokerOptions } from '../../src/local/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { faulty, type TransportUnderTest, transportConformance } from '../../src/testing/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { memory } from '../../src/transports/memory.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { type Mosquitto, mosquitto, startMosquitto } from '../support/mosquitto.js'
import { startTcpRelay, type TcpRelay } from '../support/tcp-relay.js'

describe('memory', () => {
  const factory = () => {
    const transport = memory()
    return { transport, cut: () => transport.cut(), close() {} }
  }
  transportConformance({ test, factory })
})

describe('memory behind an empty plan of faults', () => {
  const factory = () => {
    const transport = memory()
    return { transport: faulty(transport, { seed: 1 }), cut: () => transport.cut(), close() {} }
  }
  transportConformance({ test, factory })
})

const region = 'eu-west-1'
const identity = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' }
const credentials = () => identity

/** As deployed: the stub speaks with the small client, which neither serves lanes nor keeps. */
function stubsWith(stubs: Transport, sessions: Transport): Transport {
  return {
    ...sessions,
    connect: (self, ...rest) => (self.role === 'stub' ? stubs : sessions).connect(self, ...rest),
  }
}

describe.each<[string, (broker: LocalBroker) => Transport]>([
  ['mqtt', ({ mqttUrl: url }) => mqtt({ url })],
  ['mqtt, stubs with mqttLight', ({ mqttUrl: url }) => stubsWith(mqttLight({ url }), mqtt({ url }))],
  [
    'iot, stubs with iotLight',
    ({ webSocketUrl: endpoint }) =>
      stubsWith(iotLight({ endpoint, region, credentials }), iot({ endpoint, region, credentials })),
  ],
])('%s over the local broker', (name, make) => {
  // As brokers other than AWS IoT are, for a transport that says so of its own.
  const limits = name.startsWith('mqtt') ? { retainIntervalMs: 0 } : {}
  transportConformance({ test, factory: localBroker(make, { limits }) })
})

describe.each<[string, (broker: LocalBroker) => Transport]>([
  ['mqtt', ({ mqttUrl: url }) => mqtt({ url, presence: false })],
  ['iot', ({ webSocketUrl: endpoint }) => iot({ endpoint, region, credentials, presence: false })],
  ['mqttLight', ({ mqttUrl: url }) => mqttLight({ url })],
])('%s without presence over the local broker', (name, make) => {
  const without = name === 'mqttLight' ? (['keep', 'serve'] as const) : (['keep'] as const)
  transportConformance({ test, factory: localBroker(make), without })
})

function localBroker(
  make: (broker: LocalBroker) => Transport,
  options: LocalBrokerOptions = {},
): () => Promise<TransportUnderTest> {
  return async () => {
    const broker = createLocalBroker({ region, identities: [identity], ...options })
    await broker.open()
    return {
      transport: make(broker),
      cut: () => broker.disconnectAll(),
      close: () => broker.close(),
    }
  }
}

describe.skipIf(!mosquitto)('over Mosquitto (needs Mosquitto)', () => {
  let running: { readonly broker: Mosquitto; readonly relay: TcpRelay } | undefined
  afterAll(async () => {
    await running?.relay[Symbol.asyncDispose]()
    await running?.broker[Symbol.asyncDispose]()
  })

  describe.each<[string, (url: string) => Transport]>([
    ['mqtt, MQTT 3.1.1', (url) => mqtt({ url })],
    ['mqtt, MQTT 5', (url) => mqtt({ url, protocolVersion: 5 })],
    ['mqtt, stubs with mqttLight', (url) => stubsWith(mqttLight({ url }), mqtt({ url }))],
  ])('%s', (_name, make) => {
    const factory = async (): Promise<TransportUnderTest> => {
      if (running === undefined) {
        const broker = await startMosquitto()
        running = { broker, relay: await startTcpRelay(broker.port) }
      }
      const { relay } = running
      return { transport: make(`mqtt://127.0.0.1:${relay.port}`), cut: () => relay.cut(), close() {} }
    }
    transportConformance({ test, factory })
  })
})
