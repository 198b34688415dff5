import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiGatewayPolicy } from '../../src/deploy/index.js'
import { createSession, generateKey, type Session } from '../../src/index.js'
import {
  createLocalCloud,
  type FunctionDefinition,
  type LocalCloud,
  type LocalDebugStack,
  type LocalFunction,
  type LocalIdentity,
} from '../../src/local/index.js'
import { s3 } from '../../src/stores/s3.js'
import { stubBundle, stubEnvironment } from '../../src/stub/index.js'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { json } from './lambda-fixture.js'

const names = { app: 'path', stage: 'test' }
const target = { ...names, key: generateKey() }
const apiId = 'abcde12345'
const role = { accessKeyId: 'ASIAFUNCTION', secretAccessKey: 'f', sessionToken: 'to/k+en==' }
const developer = { accessKeyId: 'AKIADEVELOPER', secretAccessKey: 'd' }
const postless = { accessKeyId: 'AKIAPOSTLESS', secretAccessKey: 'p' }

/** Invocation → a Lambda process with the stub → API Gateway, and the relay in its process → the session, and back. */
describe('the whole path over API Gateway', () => {
  let cloud: LocalCloud
  let stack: LocalDebugStack
  let relayFails = 0
  let functions = 0

  beforeAll(async () => {
    cloud = createLocalCloud()
    await cloud.open()
    const least = (identity: LocalIdentity, post: boolean) => ({
      ...identity,
      policy: apiGatewayPolicy({ apiId, post, region: cloud.region, accountId: cloud.accountId }),
    })
    stack = await cloud.debugStack({
      ...target,
      apiId,
      identities: [least(role, true), least(developer, true), least(postless, false)],
      through: (relay) => ({
        async invoke(event, options) {
          const isMessage = (event as { body?: string }).body !== undefined
          const result = await relay.invoke(event, options)
          return isMessage && relayFails-- > 0 ? { ...result, functionError: 'Unhandled' } : result
        },
      }),
    })
  })

  afterAll(() => cloud?.close())

  function stubbed(session: string, definition: Partial<FunctionDefinition> = {}): LocalFunction {
    functions += 1
    return cloud.function({
      name: `path-${functions}`,
      bundle: stubBundle('api-gateway').path,
      handler: 'stub-api-gateway.handler',
      timeoutMs: 15_000,
      credentials: role,
      environment: stubEnvironment({ ...target, session, functionId: 'fn', endpoint: stack.endpoint }),
      ...definition,
    })
  }

  async function open(name: string, credentials: LocalIdentity = developer): Promise<Session> {
    const { region, s3Endpoint } = cloud
    const session = createSession({
      ...target,
      name,
      transport: apiGateway({ endpoint: stack.endpoint, region, credentials }),
      store: s3({
        bucket: stack.bucket.name,
        endpoint: s3Endpoint,
        region,
        credentials: cloud.credentials,
      }),
    })
    session.serve({ functions: { fn: async (event: unknown) => ({ event }) } })
    await session.open()
    return session
  }

  it('answers; once both know their connections, by two posts and without the relay', async () => {
    await using _ = await open('warm')
    const fn = stubbed('warm')
    expect(json(await fn.invoke({ n: 1 }))).toEqual({ event: { n: 1 } })
    const before = stack.api.stats()
    const event = { text: 'x'.repeat(1024) }
    expect(json(await fn.invoke(event))).toEqual({ event })
    const after = stack.api.stats()
    expect([after.posts - before.posts, after.invocations]).toEqual([2, before.invocations])
  })

  it('answers through the relay alone for identities that may not post', async () => {
    await using _ = await open('relayed', postless)
    const fn = stubbed('relayed', { credentials: postless })
    for (let n = 0; n < 3; n += 1) expect(json(await fn.invoke({ n }))).toEqual({ event: { n } })
    const before = stack.api.stats().invocations.$default ?? 0
    expect(json(await fn.invoke({ n: 4 }))).toEqual({ event: { n: 4 } })
    expect((stack.api.stats().invocations.$default ?? 0) - before).toBeGreaterThanOrEqual(2)
  })

  it('survives a relay that fails, and connections that break without a goodbye', async () => {
    await using session = await open('rough')
    const fn = stubbed('rough')
    relayFails = 1
    expect(json(await fn.invoke({ n: 1 }))).toEqual({ event: { n: 1 } })
    expect(relayFails).toBeLessThanOrEqual(0)
    const connected = new Promise<void>((resolve) => {
      session.on('status', ({ state }) => state === 'connected' && resolve())
    })
    // Their rows stay: the relay finds out that nobody is there.
    stack.api.cut({ unreported: true })
    await connected
    expect(json(await fn.invoke({ n: 2 }))).toEqual({ event: { n: 2 } })
  })

  it('carries megabytes by the bucket', async () => {
    await using _ = await open('large')
    const fn = stubbed('large')
    const event = { text: Array.from({ length: 200_000 }, (_, n) => n.toString(36)).join(' ') }
    expect(json(await fn.invoke(event))).toEqual({ event })
  })

  it('tells a session with a foreign key to deploy the stack with it', async () => {
    const { region } = cloud
    const transport = apiGateway({ endpoint: stack.endpoint, region, credentials: developer })
    await using session = createSession({ ...target, key: generateKey(), transport })
    await expect(session.open()).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/status 403.*deploy debugStackTemplate\(\) with it/),
      details: { statusCode: 403 },
    })
  })

  it('reports a missing session long before a timeout would', async () => {
    const { endpoint } = stack
    // By its silence it would be DEADLINE.
    const nobody = { ...target, session: 'nobody', functionId: 'fn' }
    const environment = stubEnvironment({ ...nobody, endpoint, ackTimeoutMs: 60_000 })
    const result = await stubbed('nobody', { environment }).invoke({})
    expect(json(result)).toMatchObject({ errorType: 'LambdaTether.NO_SESSION' })
  })
})
