import { expect, onTestFinished, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { iotPolicy } from '../../src/deploy/index.js'
import type { Transport } from '../../src/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { createStub, stubKey } from '../../src/stub/index.js'
import { faulty } from '../../src/testing/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'

interface Ends {
  readonly session: Transport
  readonly stub: Transport
  readonly key: string
}

// The bench is JavaScript that the package is built for; here it gets the sources.
const { sharingSoak } = (await import(
  /* @vite-ignore */ new URL('../../bench/sharing/soak.js', import.meta.url).href
)) as {
  sharingSoak(
    parts: object,
    ends: Ends,
    options: object,
  ): Promise<{ broken: string[]; rerun: number; cloud: number; inflicted: object }>
}

async function overIot(): Promise<Ends> {
  const region = 'us-east-1'
  const team = ['alice', 'bob']
  const identityOf = (role: 'session' | 'stub') => ({
    accessKeyId: `AKIA${role}`,
    secretAccessKey: 'secret',
    policy: iotPolicy({ app: 'shared', stage: 'bench', role, team, region, accountId: '123456789012' }),
  })
  const [alice, role] = [identityOf('session'), identityOf('stub')]
  const bob = {
    ...identityOf('session'),
    accessKeyId: 'AKIAbob',
    policy: iotPolicy({
      ...{ app: 'shared', stage: 'bench', role: 'session', team, session: 'bob' },
      ...{ region, accountId: '123456789012' },
    } as const),
  }
  const broker = createLocalBroker({ identities: [alice, bob, role] })
  onTestFinished(() => broker.close())
  await broker.open()
  const endpoint = broker.webSocketUrl
  const as = new Map(
    [alice, bob].map((credentials, at) => [team[at]!, iot({ endpoint, region, credentials })]),
  )
  const first = as.get('alice')!
  return {
    session: { ...first, connect: (self, ...rest) => as.get(self.name)!.connect(self, ...rest) },
    stub: iotLight({ endpoint, region, credentials: () => role }),
    key: generateKey(),
  }
}

async function overMosquitto(): Promise<Ends> {
  const broker = await startMosquitto()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return { session: mqtt({ url: broker.url }), stub: mqttLight({ url: broker.url }), key: generateKey() }
}

/** How many invocations, and with `CHAOS=1000` so many over each. */
const PLACES: readonly (readonly [string, () => Promise<Ends>, number, object, boolean])[] = [
  ['the local IoT, with least privilege', overIot, 300, {}, true],
  ['Mosquitto (needs Mosquitto)', overMosquitto, 300, {}, mosquitto],
]

for (const [name, open, few, load, possible] of PLACES) {
  const count = Number(process.env.CHAOS ?? few)
  test.skipIf(!possible)(
    `two sessions and the cloud share a stage under chaos, over ${name}`,
    {
      timeout: 60_000 + count * 100,
    },
    async () => {
      const parts = { createSession, createStub, stubKey, faulty, TetherError }
      const report = await sharingSoak(parts, await open(), { count, seed: 7, ...load })
      if (process.env.CHAOS !== undefined) console.log(JSON.stringify(report))
      expect(report.broken).toEqual([])
      expect(report.inflicted).toMatchObject({ card: expect.any(Number), kill: expect.any(Number) })
      expect(report.cloud).toBeGreaterThan(0)
    },
  )
}
