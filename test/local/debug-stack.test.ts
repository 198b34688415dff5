import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { apiGatewayPolicy, debugStackTemplate } from '../../src/deploy/index.js'
import { startDebugStack } from '../../src/local/debug-stack/debug-stack.js'
import { debugStackPlan } from '../../src/local/debug-stack/plan.js'
import {
  createLocalCloud,
  type LocalCloud,
  type LocalCredentials,
  type LocalDebugStack,
  type LocalDebugStackOptions,
} from '../../src/local/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { alive } from './lambda-fixture.js'
import {
  begin,
  type Client,
  connect,
  detail,
  managementClient,
  queryOf,
  sessionQuery,
} from './web-socket-fixture.js'

async function start(
  options: Partial<LocalDebugStackOptions> = {},
): Promise<{ cloud: LocalCloud; stack: LocalDebugStack }> {
  const cloud = createLocalCloud()
  onTestFinished(() => cloud.close())
  await cloud.open()
  return { cloud, stack: await cloud.debugStack({ ...NAME, ...options }) }
}

async function rows({ table }: LocalDebugStack): Promise<string[]> {
  const client = new DynamoDBClient({
    endpoint: table.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  })
  onTestFinished(() => client.destroy())
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table.name }))
  return Items.map(({ pk }) => pk?.S ?? '').sort()
}

const text = (value: string) => Buffer.from(value).toString('base64url')
const KEY = generateKey()
const NAME = { app: 'my app', stage: 'dev', key: KEY }
const ENVIRONMENT = 'environment-1_________'
const STUB = queryOf({ app: 'my app', stage: 'dev', role: 'stub', name: ENVIRONMENT })
const sessionOf = (stack: LocalDebugStack, at = Date.now()) =>
  sessionQuery(stack.api, { ...NAME, name: 'default', session: 'abc', epoch: 7, at })

/** A stub and a session, connected. */
async function both({
  cloud,
  stack,
}: {
  cloud: LocalCloud
  stack: LocalDebugStack
}): Promise<[Client, Client]> {
  const { credentials } = cloud
  return [
    await connect(stack.api, { credentials, query: STUB }),
    await connect(stack.api, { credentials, query: sessionOf(stack) }),
  ]
}

describe('a local debug stack', () => {
  test('relays with the real relay, which tells both sides their connections', async () => {
    const started = await start()
    const { stack } = started
    const [stub, session] = await both(started)
    expect(await rows(stack)).toHaveLength(4)
    stub.send(`r 1 session ${text('default')}\nZnJhbWU=`)
    expect(await session.message()).toBe(`f stub ${text(ENVIRONMENT)} ${stub.connectionId}\nZnJhbWU=`)
    expect(await stub.message()).toBe(
      `t 1 ${stub.connectionId} session ${text('default')} ${session.connectionId}`,
    )
    expect(stack.api.stats()).toEqual({
      connections: 2,
      messages: { $default: 1 },
      invocations: { $connect: 2, $default: 1 },
      posts: 2,
    })
  })

  test('lets the two post to each other, without the relay', async () => {
    const started = await start()
    const { cloud, stack } = started
    const [stub, session] = await both(started)
    const management = managementClient(stack.api, cloud.credentials)
    const { connectionId: ConnectionId } = session
    await management.send(new PostToConnectionCommand({ ConnectionId, Data: 'f …' }))
    expect(await session.message()).toBe('f …')
    stub.send('{"action":"ping"}')
    const pinged = detail(stack.api, 'message')
    await pinged
    expect(stack.api.stats().invocations).toEqual({ $connect: 2 })
  })

  test('forgets a client that leaves, and reports it as absent', async () => {
    const started = await start()
    const { stack } = started
    const [stub, session] = await both(started)
    const left = detail(stack.api, 'invocation')
    session.socket.close()
    expect(await left).toMatchObject({
      routeKey: '$disconnect',
      outcome: { kind: 'answer', statusCode: 200 },
    })
    expect(await rows(stack)).toEqual([
      JSON.stringify(['my app', 'dev', 'stub', ENVIRONMENT]),
      `connection/${stub.connectionId}`,
    ])
    stub.send(`r 2 session ${text('default')}\nZnJhbWU=`)
    expect(await stub.message()).toBe(`a 2 ${stub.connectionId}`)
  })

  test('keeps a stale row of a client that is cut without a report', async () => {
    const started = await start()
    const { stack } = started
    const [, session] = await both(started)
    stack.api.cut({ connectionId: session.connectionId, unreported: true })
    await session.closed
    expect(await rows(stack)).toContain(`connection/${session.connectionId}`)
  })

  test('takes the cloud’s credentials, those it is given with their policies, and no others', async () => {
    const apiId = 'abcde12345'
    const member = { accessKeyId: 'AKIAMEMBER', secretAccessKey: 'm', policy: apiGatewayPolicy({ apiId }) }
    const policy = apiGatewayPolicy({ apiId, post: false })
    const guest = { accessKeyId: 'AKIAGUEST', secretAccessKey: 'g', policy }
    const { stack } = await start({ apiId, identities: [member, guest] })
    const client = await connect(stack.api, { credentials: guest, query: STUB })
    await connect(stack.api, { credentials: member, query: sessionOf(stack) })
    const { connectionId: ConnectionId } = client
    const post = new PostToConnectionCommand({ ConnectionId, Data: 'x' })
    await managementClient(stack.api, member).send(post)
    await expect(managementClient(stack.api, guest).send(post)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    })
    const nobody = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' }
    expect((await (await begin(stack.api, { credentials: nobody, query: STUB })).refused).status).toBe(403)
  })

  test('matches the template', async () => {
    const { stack } = await start()
    const { Resources } = debugStackTemplate(NAME)
    const { ApiStage, Relay } = Resources
    expect(new URL(stack.endpoint).pathname).toBe(`/${ApiStage?.Properties.StageName}`)
    const facts = { apiId: stack.api.apiId, region: 'us-east-1', accountId: '123456789012' }
    const api = `arn:*:execute-api:us-east-1:123456789012:${stack.api.apiId}/${stack.api.stage}`
    const { Variables } = Relay!.Properties.Environment as { Variables: Record<string, unknown> }
    const { APP, STAGE, PUBLIC_KEYS } = Variables
    expect(debugStackPlan(Resources, facts)).toMatchObject({
      relay: { environment: { APP, STAGE, PUBLIC_KEYS } },
      routes: { $connect: 'relay', $disconnect: 'relay', $default: 'relay', ping: 'mock' },
      role: {
        Statement: [{ Resource: [`${api}/POST/@connections*`, `${api}/DELETE/@connections*`] }],
      },
    })
  })

  test('grants the relay only the permissions of its role', async () => {
    const cloud = createLocalCloud()
    onTestFinished(() => cloud.close())
    await cloud.open()
    const { region, accountId, credentials } = cloud
    let role: LocalCredentials | undefined
    const { api } = await startDebugStack(NAME, {
      host: '127.0.0.1',
      region,
      accountId,
      credentials,
      clock: systemClock,
      function(definition) {
        role = definition.credentials
        return cloud.function(definition)
      },
      bucket: (name) => cloud.bucket(name),
      own: (part) => onTestFinished(() => part.close()),
    })
    const management = managementClient(api, role)
    const input = { ConnectionId: 'L0SM9cOFvHcCIhw=', Data: 'x' }
    const gone = { $metadata: { httpStatusCode: 410 } }
    await expect(management.send(new PostToConnectionCommand(input))).rejects.toMatchObject(gone)
    await expect(management.send(new DeleteConnectionCommand(input))).rejects.toMatchObject(gone)
    await expect(management.send(new GetConnectionCommand(input))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    })
    expect((await (await begin(api, { ...(role && { credentials: role }) })).refused).status).toBe(403)
  })

  test('refuses a client that does not identify itself', async () => {
    const { cloud, stack } = await start()
    const client = await begin(stack.api, { credentials: cloud.credentials, query: '?app=a' })
    expect((await client.refused).status).toBe(400)
  })

  test('can have a failing relay with limited concurrency', async () => {
    let failures = 1
    let [running, most] = [0, 0]
    const started = await start({
      relayConcurrency: 2,
      through: (relay) => ({
        async invoke(event, options) {
          running += 1
          most = Math.max(most, running)
          const { body } = event as { body?: string }
          const result = await relay.invoke(event, options)
          running -= 1
          return body !== undefined && failures-- > 0 ? { ...result, functionError: 'Unhandled' } : result
        },
      }),
    })
    const { stack } = started
    const [stub, session] = await both(started)
    stub.send(`r 1 session ${text('default')}\nZnJhbWU=`)
    const answers = [await stub.message(), await stub.message()]
    expect(answers).toContainEqual(expect.stringContaining('"message":"Internal server error"'))
    await session.message()
    for (let n = 2; n < 8; n += 1) stub.send(`r ${n} session ${text('default')}\nZnJhbWU=`)
    for (let n = 2; n < 8; n += 1) await Promise.all([stub.message(), session.message()])
    expect(most).toBe(2)
    expect(stack.relay.environments()).toHaveLength(2)
  })

  test('relays on an injected clock, by which its processes do not live', async () => {
    const clock = new ManualClock()
    const cloud = createLocalCloud({ clock })
    onTestFinished(() => cloud.close())
    await cloud.open()
    const stack = await cloud.debugStack(NAME)
    const { credentials } = cloud
    const client = await connect(stack.api, { credentials, query: STUB, now: clock.now() })
    client.send(`r 1 session ${text('default')}\nZnJhbWU=`)
    expect(await client.message()).toBe(`a 1 ${client.connectionId}`)
    // By the API's clock.
    const late = sessionOf(stack, clock.now() + 300_001)
    expect((await (await begin(stack.api, { credentials, query: late })).refused).status).toBe(403)
    await connect(stack.api, { credentials, query: sessionOf(stack, clock.now() + 300_000) })
  })

  test('has a bucket and may be one of several', async () => {
    const { cloud, stack } = await start()
    const other = await cloud.debugStack({ ...NAME, stage: 'prod' })
    expect(other.endpoint).not.toBe(stack.endpoint)
    expect(cloud.bucket(stack.bucket.name)).toBe(stack.bucket)
    await expect(cloud.debugStack(NAME)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  test('leaves nothing when its cloud is closed', async () => {
    const started = await start()
    const { cloud, stack } = started
    const clients = await both(started)
    const pids = stack.relay.environments().map(({ pid }) => pid ?? 0)
    expect(pids.length).toBeGreaterThan(0)
    await cloud.close()
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([1006, 1006])
    expect(pids.filter(alive)).toEqual([])
    await expect(fetch(stack.api.managementEndpoint)).rejects.toThrow()
    await expect(fetch(stack.table.endpoint)).rejects.toThrow()
  })

  test('requires an open cloud and valid names', async () => {
    const closed = createLocalCloud()
    await expect(closed.debugStack({ app: 'a', stage: 'b', key: KEY })).rejects.toMatchObject({
      code: 'CLOSED',
    })
    const { cloud } = await start()
    await expect(cloud.debugStack({ app: '', stage: 'b', key: KEY })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining("'app'"),
    })
    const other = { app: 'other', stage: 'dev', key: KEY }
    for (const [name, wrong] of Object.entries({
      key: 'short',
      relayConcurrency: 0,
      identities: {},
      through: 5,
    })) {
      await expect(cloud.debugStack({ ...other, [name]: wrong } as never)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`'${name}'`),
      })
    }
    await cloud.close()
    await expect(cloud.debugStack({ app: 'a', stage: 'b', key: KEY })).rejects.toMatchObject({
      code: 'CLOSED',
    })
  })
})

test('a web page does not reach the table', async () => {
  const { stack } = await start()
  const response = await fetch(stack.table.endpoint, {
    method: 'POST',
    headers: { origin: 'https://example.com' },
  })
  expect(response.status).toBe(403)
})
