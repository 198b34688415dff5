import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Transport } from '../../src/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { type Mosquitto, mosquitto, startMosquitto } from '../support/mosquitto.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { type Certificates, makeCertificates } from '../support/tls.js'
import { identity, region, startGateway } from './iot-gateway.js'

/** About 200 KB that neither repeat nor fit into one frame. */
const letters = (from: number) =>
  Array.from({ length: 3_000 }, (_, i) => createHash('sha256').update(`${from} ${i}`).digest('hex')).join(
    '漢',
  )

describe.skipIf(!mosquitto)('a session and a stub through Mosquitto (needs Mosquitto)', () => {
  let certificates: Certificates
  let broker: Mosquitto
  beforeAll(async () => {
    certificates = await makeCertificates()
  })
  // One for each test: what a session keeps there outlives it, under a key that the next one does not have.
  beforeEach(async () => {
    broker = await startMosquitto({ tls: certificates })
  })
  afterEach(() => broker[Symbol.asyncDispose]())
  afterAll(() => certificates?.[Symbol.asyncDispose]())

  async function converse(local: Transport, remote: Transport) {
    await using tether = new Tether()
    const [asked, answered] = [letters(1), letters(2)]
    const session = tether.session({ transport: local }).serve({
      functions: {
        api: (event: { text: string }) => ({ right: event.text === asked, text: answered }),
        broken: () => {
          throw new TypeError('as local code says')
        },
      },
    })
    await session.open()
    const stub = tether.stub({ transport: remote })
    expect(Buffer.byteLength(asked)).toBeGreaterThan(131_072)
    expect(await stub({ text: asked }, stubContext())).toEqual({ right: true, text: answered })
    const small = await Promise.all([1, 2, 3].map((text) => stub({ text }, stubContext())))
    expect(small.map((one) => (one as { right: boolean }).right)).toEqual([false, false, false])
    const broken = tether.stub({ transport: remote, functionId: 'broken' })
    await expect(broken({}, stubContext())).rejects.toMatchObject({
      name: 'TypeError',
      message: 'as local code says',
    })
    expect(tether.discards).toEqual([])
  }

  test('over TCP', () => converse(mqtt({ url: broker.url }), mqttLight({ url: broker.url })))

  test('over TCP, with MQTT 5 on one side', () =>
    converse(mqtt({ url: broker.url, protocolVersion: 5 }), mqttLight({ url: broker.url })))

  test('over TLS', () => {
    const options = { url: broker.tlsUrl, ca: certificates.ca }
    return converse(mqtt(options), mqttLight(options))
  })

  test.each([
    ['WebSocket', false],
    ['WebSocket over TLS', true],
  ])('as on AWS IoT, over %s with a signed URL', async (_carrier, secure) => {
    const gateway = await startGateway({ port: broker.port, ...(secure && { tls: certificates }) })
    const options = { endpoint: gateway.url, region, ca: certificates.ca, credentials: () => identity }
    await converse(iot(options), iotLight(options))
    expect(gateway.asked.length).toBeGreaterThan(1)
    expect(gateway.refusals).toEqual([])
  })
})
