import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { goLive, type LiveOptions, restore } from '../../src/deploy/index.js'
import { createSession, type Transport } from '../../src/index.js'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { iot } from '../../src/transports/iot.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { APP, CJS, type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

const FUNCTIONS = ['esm', 'cjs', 'python']
const EVENT = { n: 1 }
const FROM_CLOUD = FUNCTIONS.map((cloud) => ({ cloud, event: EVENT }))

let account: LiveAccount
beforeEach(async () => {
  account = await liveAccount()
  const Timeout = 10
  await account.create('esm', { Timeout })
  const Environment = { Variables: { OWN: 'value' } }
  await account.create('cjs', { Code: { ZipFile: CJS }, Timeout, Environment })
  const python = { Code: { ZipFile: PYTHON }, Runtime: 'python3.12', Handler: 'app.handler' } as const
  await account.create('python', { ...python, Timeout })
})
afterEach(() => account[Symbol.asyncDispose]())

/** All at once: what they answered, and how long each took. */
async function invoke(): Promise<{ answers: unknown[]; durations: number[] }> {
  const durations: number[] = []
  const answers = await Promise.all(
    FUNCTIONS.map(async (name, at) => {
      const since = performance.now()
      const answer = await account.invoke(name, EVENT)
      durations[at] = performance.now() - since
      return answer
    }),
  )
  return { answers, durations }
}

/** There, with a session, without it, and back. */
async function thereAndBack(
  options: LiveOptions,
  transport: Transport,
  whenClosed: () => Promise<void>,
): Promise<void> {
  const before = await Promise.all(FUNCTIONS.map((name) => account.state(name)))
  expect((await invoke()).answers).toEqual(FROM_CLOUD)

  const report = await goLive(options)
  expect(report.functions.map(({ functionName, mode, outcome }) => [functionName, mode, outcome])).toEqual([
    ['esm', 'wrap', 'live'],
    ['cjs', 'wrap', 'live'],
    ['python', 'replace', 'live'],
  ])
  const session = createSession({ ...APP, key: options.stub.key, transport })
  session.on('invoke', (invocation) =>
    invocation.respond({ local: invocation.functionId, env: invocation.env.OWN }),
  )
  await session.open()
  expect((await invoke()).answers).toEqual([
    { local: 'esm' },
    { local: 'cjs', env: 'value' },
    { local: 'python' },
  ])
  await session.close()
  await whenClosed()

  expect(await restore(options)).toEqual({
    functions: FUNCTIONS.map((functionName) => ({ functionName, outcome: 'restored', kept: [] })),
  })
  expect((await invoke()).answers).toEqual(FROM_CLOUD)
  expect(await Promise.all(FUNCTIONS.map((name) => account.state(name)))).toStrictEqual(before)
  expect(await options.snapshots.list('')).toEqual([])
  expect(await account.layers(options.bundle)).toBe(0)
  for (const name of FUNCTIONS) expect(await account.policies(name)).toEqual([])
}

async function expectNobody(): Promise<number[]> {
  const { answers, durations } = await invoke()
  expect(answers.slice(0, 2)).toEqual(FROM_CLOUD.slice(0, 2))
  expect(answers[2]).toMatchObject({
    FunctionError: 'Unhandled',
    errorType: 'LambdaTether.NO_SESSION',
    errorMessage: expect.stringMatching(/session/i),
  })
  return durations
}

describe('functions of three kinds go live and come back', () => {
  it('over AWS IoT, where they know at once that the session has gone', async () => {
    const { region, credentials, iotEndpoint: endpoint } = account.cloud
    const { stub, ...rest } = account.options({ functions: FUNCTIONS, timeoutSeconds: 30 })
    const options = { ...rest, stub: { ...stub, ackTimeoutMs: 5_000 } }
    await thereAndBack(options, iot({ endpoint, region, credentials }), async () => {
      expect(Math.max(...(await expectNobody()))).toBeLessThan(4_000)
    })
  }, 60_000)

  it('over API Gateway, where the relay knows that no session is connected', async () => {
    const { stub, ...rest } = account.options({ functions: FUNCTIONS, bundle: 'api-gateway' })
    const { endpoint } = await account.cloud.debugStack({ ...APP, key: stub.key })
    const { region, credentials } = account.cloud
    const options = { ...rest, stub: { ...stub, endpoint, ackTimeoutMs: 5_000 } }
    await thereAndBack(options, apiGateway({ endpoint, region, credentials }), async () => {
      expect(Math.max(...(await expectNobody()))).toBeLessThan(4_000)
    })
  }, 60_000)

  it('over MQTT without presence, where they wait for it once', async () => {
    const url = account.cloud.mqttUrl
    const { stub, ...rest } = account.options({ functions: FUNCTIONS, bundle: 'mqtt' })
    const options = { ...rest, stub: { ...APP, key: stub.key, url, ackTimeoutMs: 2_000 } }
    await thereAndBack(options, mqtt({ url, presence: false }), async () => {
      expect(Math.min(...(await expectNobody()))).toBeGreaterThan(1_900)
      expect(Math.max(...(await expectNobody()))).toBeLessThan(1_500)
    })
  }, 60_000)
})
