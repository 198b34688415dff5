import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { iotPolicy } from '../../src/deploy/index.js'
import type { Transport } from '../../src/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import type { StubHandler } from '../../src/stub/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { type MqttOptions, mqtt } from '../../src/transports/mqtt.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** How either side reaches a broker. */
interface Place {
  readonly local: Transport
  readonly remote: Transport
}

const region = 'us-east-1'

async function overIot(): Promise<Place> {
  const identityOf = (role: 'session' | 'stub') => ({
    accessKeyId: `AKIA${role}`,
    secretAccessKey: 'secret',
    policy: iotPolicy({ app: 'shop', stage: 'dev', role, region, accountId: '123456789012' }),
  })
  const [developer, role] = [identityOf('session'), identityOf('stub')]
  const broker = createLocalBroker({ identities: [developer, role] })
  onTestFinished(() => broker.close())
  await broker.open()
  return {
    local: iot({ endpoint: broker.webSocketUrl, region, credentials: developer }),
    remote: iotLight({ endpoint: broker.webSocketUrl, region, credentials: () => role }),
  }
}

function overMosquitto(options: Partial<MqttOptions>): () => Promise<Place> {
  return async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker[Symbol.asyncDispose]())
    return {
      local: mqtt({ url: broker.url, ...options }),
      remote: mqttLight({ url: broker.url }),
    }
  }
}

const PLACES: readonly (readonly [string, () => Promise<Place>, boolean])[] = [
  ['iot over the local broker, with least privilege', overIot, true],
  ['mqtt over Mosquitto, MQTT 3.1.1 (needs Mosquitto)', overMosquitto({}), mosquitto],
  ['mqtt over Mosquitto, MQTT 5 (needs Mosquitto)', overMosquitto({ protocolVersion: 5 }), mosquitto],
]

// Silence alone would keep an invocation waiting for longer than a test may last.
const patient = { ackTimeoutMs: 60_000 }
const context = () => stubContext({ getRemainingTimeInMillis: () => 60_000 })

for (const [name, open, possible] of PLACES) {
  describe.skipIf(!possible)(name, () => {
    async function served() {
      const place = await open()
      const tether = new Tether()
      onTestFinished(() => tether[Symbol.asyncDispose]())
      const session = tether.session({ transport: place.local })
      session.on('invoke', (invocation) => invocation.respond('served'))
      await session.open()
      const environment = () => tether.stub({ transport: place.remote, ...patient })
      return { ...place, tether, session, environment }
    }

    test('a graceful close is known at once to connected and to new environments', async () => {
      const { tether, session, environment, local } = await served()
      const warm = environment()
      expect(await warm({}, context())).toBe('served')
      await session.close()
      for (const stub of [warm, environment()])
        await expect(stub({}, context())).rejects.toMatchObject({ code: 'NO_SESSION' })
      const next = tether
        .session({ transport: local })
        .on('invoke', (invocation) => invocation.respond('back'))
      await next.open()
      // Who opens it has not been heard everywhere yet.
      const back = async (stub: StubHandler) => expect(await stub({}, context())).toBe('back')
      for (const stub of [warm, environment()])
        await vi.waitFor(() => back(stub), { interval: 5, timeout: 5_000 })
    })
  })
}

test('a session that may not read the presence of its team connects without it, and names the topics', async () => {
  const team = ['default', 'bob']
  const { local, remote } = await overIot()
  const tether = new Tether()
  onTestFinished(() => tether[Symbol.asyncDispose]())
  const told: unknown[] = []
  const session = tether.session({ transport: local, team })
  session.on('status', (status) => {
    if (status.state === 'unwatched') told.push(status.error)
  })
  session.on('invoke', (invocation) => invocation.respond('served'))
  await session.open()
  expect(session.team()).toMatchObject([{ name: 'default', own: true }])
  expect(told).toMatchObject([
    {
      code: 'UNREACHABLE',
      message: expect.stringMatching(/presence of 'bob'.* 'lambda-tether\/shop\/dev\/presence\/bob'/),
      details: { addresses: ['lambda-tether/shop/dev/presence/bob'] },
    },
  ])
  // A stub of the team whose role may read one of both alone has no presence at all: AWS IoT ends the connection for the other.
  const stub = tether.stub({ transport: remote, team, passthrough: async () => 'cloud' })
  expect(await stub({}, context())).toBe('cloud')
  const strict = tether.stub({ transport: remote, team, onNobody: 'throw' })
  await expect(strict({}, context())).rejects.toThrow(
    /does not let this function read the presence of 'default', 'bob'/,
  )
})
