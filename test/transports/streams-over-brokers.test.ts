import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Transport } from '../../src/index.js'
import { createLocalBroker } from '../../src/local/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { readAll, StreamCaller, someCode, streamingExecutor } from '../support/streams.js'
import { Tether } from '../support/tether.js'
import { bothSides, type Database, key, startApi, startDatabase } from './api-gateway-fixture.js'

/** How either side reaches a broker. */
interface Place {
  readonly local: Transport
  readonly remote: Transport
  /** Fails where a limit of the broker was not kept. */
  check?(): void
}

const region = 'us-east-1'
let database: Database
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function overMosquitto(): Promise<Place> {
  const broker = await startMosquitto()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return { local: mqtt({ url: broker.url }), remote: mqttLight({ url: broker.url }) }
}

async function overIot(): Promise<Place> {
  const credentials = { accessKeyId: 'AKIA', secretAccessKey: 'secret' }
  const broker = createLocalBroker({ identities: [credentials] })
  onTestFinished(() => broker.close())
  await broker.open()
  const options = { endpoint: broker.webSocketUrl, region }
  return {
    local: iot({ ...options, credentials }),
    remote: iotLight({ ...options, credentials: () => credentials }),
    check: () => expect(broker.stats().discarded).toBe(0),
  }
}

async function overApiGateway(): Promise<Place> {
  const api = await startApi({ database })
  onTestFinished(() => api.close())
  const transport = bothSides({ endpoint: api.endpoint })
  return { local: transport, remote: transport }
}

/** Writes of every size: single bytes in a row, and more than a window. */
const WRITES = [1, 1, 1, 70_000, 1, 300_000, 5, 2_000].map((bytes, i) => Buffer.alloc(bytes, i + 1))

describe.each<readonly [string, () => Promise<Place>, boolean]>([
  ['mqtt over Mosquitto (needs Mosquitto)', overMosquitto, mosquitto],
  ['iot over the local broker', overIot, true],
  ['api-gateway over the local cloud', overApiGateway, true],
])('%s', (_name, open, possible) => {
  test.skipIf(!possible)('carries a stream, byte for byte, with its error at the end', async () => {
    const { local, remote, check } = await open()
    await using tether = new Tether({ key })
    const body = async function* () {
      yield* WRITES
      throw new TypeError('no more')
    }
    const executor = streamingExecutor(() => ({ kind: 'stream', contentType: 'text/plain', body: body() }))
    await tether
      .session({ transport: local })
      .serve({ executor, functions: { api: someCode } })
      .open()
    await using stub = new StreamCaller(tether, { transport: remote })
    const { contentType, body: received } = await stub.stream()
    const { bytes, error } = await readAll(received)
    expect(contentType).toBe('text/plain')
    expect(Buffer.compare(bytes, Buffer.concat(WRITES))).toBe(0)
    expect(error).toMatchObject({ name: 'TypeError', message: 'no more' })
    expect(tether.discards).toEqual([])
    check?.()
  })
})
