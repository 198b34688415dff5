import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workerThreads } from '../../src/executors/index.js'
import { createSession, generateKey, type Session, type Transport } from '../../src/index.js'
import { createLocalCloud, type LocalCloud, type LocalFunction } from '../../src/local/index.js'
import {
  type StubBundleName,
  type StubEnvironmentOptions,
  stubBundle,
  stubEnvironment,
} from '../../src/stub/index.js'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { iot } from '../../src/transports/iot.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { type HandlerProject, handlerProject } from '../executors/handler-project.js'
import { OFFICIAL_HANDLER, OFFICIAL_STREAMS, type Streamed } from '../executors/official-streams.js'
import { type Mosquitto, mosquitto, startMosquitto } from '../support/mosquitto.js'
import { json } from './lambda-fixture.js'

const { REQUIRE_REAL_SERVERS } = process.env
const target = { app: 'streams', stage: 'test', key: generateKey() }

/** What a session and a stub speak by. */
interface Way {
  readonly transport: Transport
  readonly address: Pick<StubEnvironmentOptions, 'url' | 'endpoint'>
}

let cloud: LocalCloud
let broker: Mosquitto | undefined
let project: HandlerProject
beforeAll(async () => {
  cloud = createLocalCloud()
  project = await handlerProject({
    'rows.cjs': OFFICIAL_HANDLER,
    'values.mjs': `export const handler = async (event) => event.rawPath ? { statusCode: 404, body: 'no' } : { event }`,
  })
  await cloud.open()
})
afterAll(async () => {
  await cloud?.close()
  await broker?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
})

const WAYS: { name: string; bundle: StubBundleName; skipped?: boolean; way: () => Promise<Way> }[] = [
  {
    name: 'mqtt (a real Mosquitto)',
    bundle: 'mqtt',
    skipped: !mosquitto && REQUIRE_REAL_SERVERS === undefined,
    async way() {
      broker = await startMosquitto()
      return { transport: mqtt({ url: broker.url }), address: { url: broker.url } }
    },
  },
  {
    name: 'iot',
    bundle: 'iot',
    async way() {
      const { region, credentials, iotEndpoint: endpoint } = cloud
      return { transport: iot({ region, credentials, endpoint }), address: { endpoint } }
    },
  },
  {
    name: 'api-gateway',
    bundle: 'api-gateway',
    async way() {
      const { endpoint } = await cloud.debugStack(target)
      const { region, credentials } = cloud
      return { transport: apiGateway({ endpoint, region, credentials }), address: { endpoint } }
    },
  },
]

/** HTTP or an invocation → a Lambda process with the stub → the broker → the session → a worker, and all of its bytes back. */
describe.each(WAYS)('the whole path of a stream over $name', ({ bundle, skipped = false, way }) => {
  let session: Session
  const functions: Record<'rows' | 'values' | 'buffered', LocalFunction> = {} as never

  beforeAll(async () => {
    if (skipped) return
    const { transport, address } = await way()
    session = createSession({ ...target, name: bundle, transport })
    session.serve({
      executor: workerThreads({ spares: 0 }),
      functions: { rows: `${project.folder}/rows.cjs`, values: `${project.folder}/values.mjs` },
    })
    await session.open()
    const stubbed = (name: string, id: string, streaming: boolean) =>
      cloud.function({
        name: `${bundle}-${name}`,
        bundle: stubBundle(bundle).path,
        handler: `stub-${bundle}.handler`,
        timeoutMs: 15_000,
        environment: stubEnvironment({ ...target, ...address, session: bundle, functionId: id, streaming }),
      })
    functions.rows = stubbed('rows', 'rows', true)
    functions.values = stubbed('values', 'values', true)
    functions.buffered = stubbed('buffered', 'rows', false)
  })
  afterAll(() => session?.close())

  it.skipIf(skipped).each(OFFICIAL_STREAMS.map((row, number) => ({ ...row, number })))(
    'delivers the stream that the official runtime client posts for $name',
    async ({ number, posts }) => {
      expect(await streamed(functions.rows, { row: number })).toEqual(posts)
    },
  )

  it.skipIf(skipped)('writes values as Lambda would', async () => {
    expect(await streamed(functions.values, { n: 1 })).toEqual({
      contentType: 'application/json',
      body: '{"event":{"n":1}}',
    })
    const { url } = await cloud.functionUrl(functions.values, { invokeMode: 'RESPONSE_STREAM' })
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([404, 'no'])
  })

  it.skipIf(skipped)('is collected for a stub that does not stream', async () => {
    const run = async (name: string) => {
      const row = OFFICIAL_STREAMS.findIndex((one) => one.name === name)
      return json(await functions.buffered.invoke({ row }))
    }
    expect(await run('two writes and an end')).toBe('hello world')
    expect(await run('a prelude, and a body in two writes')).toMatchObject({
      statusCode: 201,
      body: 'onetwo',
    })
    expect(await run('an error after the first byte')).toMatchObject({ errorType: 'RangeError' })
  })
})

async function streamed(fn: LocalFunction, event: unknown): Promise<Streamed> {
  const { contentType, body, end } = await fn.invokeWithResponseStream(event)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  const read = { contentType, body: Buffer.concat(chunks).toString() }
  const { error } = await end
  if (error === undefined) return read
  const { errorType, errorMessage } = json(error)
  return { ...read, error: [errorType, errorMessage] }
}
