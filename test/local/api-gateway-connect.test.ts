import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { ManualClock } from '../support/manual-clock.js'
import {
  answering,
  begin,
  connect,
  deferred,
  detail,
  hanging,
  openApi,
  taking,
} from './web-socket-fixture.js'

const credentials = {
  accessKeyId: 'AKIADEVELOPER0000000',
  secretAccessKey: 'secret',
  sessionToken: 'to/k=en+',
}

describe('$connect', () => {
  test('gets the event of API Gateway', async () => {
    const $connect = taking()
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 9, 5))
    const identities = [credentials]
    const api = await openApi({ routes: { $connect }, clock, identities, apiId: 'abcde12345', stage: 'dev' })
    const now = clock.now()
    const client = await connect(api, { credentials, now, query: '?name=a%20b%2Fc&name=d&role=stub' })
    const host = new URL(api.endpoint).host
    expect(api.endpoint).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/dev$/)
    expect(api.managementEndpoint).toBe(api.endpoint.replace('ws:', 'http:'))
    expect($connect.events).toEqual([
      {
        headers: expect.objectContaining({ Host: host, 'X-Forwarded-For': '127.0.0.1' }),
        multiValueHeaders: expect.objectContaining({ Host: [host] }),
        queryStringParameters: { name: 'd', role: 'stub' },
        multiValueQueryStringParameters: { name: ['a b/c', 'd'], role: ['stub'] },
        requestContext: {
          routeKey: '$connect',
          eventType: 'CONNECT',
          messageDirection: 'IN',
          requestId: expect.any(String),
          extendedRequestId: expect.any(String),
          requestTime: '21/Nov/2026:09:05:00 +0000',
          requestTimeEpoch: now,
          connectionId: client.connectionId,
          connectedAt: now,
          apiId: 'abcde12345',
          stage: 'dev',
          domainName: host,
          identity: {
            sourceIp: '127.0.0.1',
            accessKey: 'AKIADEVELOPER0000000',
            accountId: '123456789012',
            user: 'AKIADEVELOPER0000000',
            userArn: 'arn:aws:iam::123456789012:user/AKIADEVELOPER0000000',
          },
        },
        isBase64Encoded: false,
      },
    ])
    expect(JSON.stringify($connect.events)).not.toMatch(/to\/k=en|Signature/)
    expect(client.connectionId).toMatch(/^[\w-]{15}=$/)
    expect(api.connections()).toEqual([
      { connectionId: client.connectionId, connectedAt: now, query: { name: 'd', role: 'stub' } },
    ])
  })

  test('holds the upgrade until it is answered', async () => {
    let answer: (value: unknown) => void = () => {}
    const asked = deferred<void>()
    const $connect = answering(() => {
      asked.resolve()
      return new Promise((resolve) => {
        answer = resolve
      })
    })
    const api = await openApi({ routes: { $connect } })
    const client = await begin(api)
    await asked.promise
    expect([client.socket.readyState, api.connections()]).toEqual([0, []])
    answer({ statusCode: 200 })
    await client.opened
    expect(api.stats()).toMatchObject({ connections: 1, invocations: { $connect: 1 } })
  })

  test.each([
    ['its own status where it refuses', { statusCode: 401 }, 401],
    ['403 where it says so', { statusCode: 403 }, 403],
    ['502 for an answer without a status', { ok: true }, 502],
    ['502 for nothing', null, 502],
  ])('leads to %s', async (_, answer, status) => {
    const api = await openApi({ routes: { $connect: answering(() => answer) } })
    const client = await begin(api)
    expect((await client.refused).status).toBe(status)
    expect(api.connections()).toEqual([])
  })

  test('that fails is a 502', async () => {
    const failing = answering(() => {
      throw new Error('no table')
    })
    const api = await openApi({ routes: { $connect: failing } })
    const invocation = detail(api, 'invocation')
    const client = await begin(api)
    expect((await client.refused).status).toBe(502)
    expect(await invocation).toMatchObject({
      routeKey: '$connect',
      outcome: { kind: 'failure', detail: expect.stringContaining('no table') },
    })
  })

  test('that cannot be invoked is a 502', async () => {
    const $connect = {
      invoke: () => Promise.reject(new TetherError('THROTTLED', 'Rate Exceeded.')),
    }
    const api = await openApi({ routes: { $connect } })
    expect((await (await begin(api)).refused).status).toBe(502)
  })

  test('that takes 29 s is a 504', async () => {
    const clock = new ManualClock()
    const $connect = hanging()
    const api = await openApi({ routes: { $connect }, clock })
    const client = await begin(api)
    await $connect.asked
    await clock.advance(28_999)
    expect(client.socket.readyState).toBe(0)
    await clock.advance(1)
    expect((await client.refused).status).toBe(504)
  })

  test('without a route accepts every client', async () => {
    const api = await openApi({ routes: {} })
    await connect(api)
    expect(api.stats()).toEqual({ connections: 1, messages: {}, invocations: {}, posts: 0 })
  })
})

describe('an upgrade is refused', () => {
  test.each([
    ['another stage', '/other'],
    ['a path below the stage', '/live/more'],
    ['no stage', '/'],
  ])('for %s', async (_, path) => {
    const $connect = taking()
    const api = await openApi({ routes: { $connect } })
    const client = await begin(api, { url: new URL(path, api.endpoint).href })
    expect(await client.refused).toMatchObject({ status: 403, body: { message: 'Forbidden' } })
    expect($connect.events).toEqual([])
  })

  test('for a URL of more than 4,096 characters, and not for one of as many', async () => {
    const api = await openApi()
    const room = 4096 - `wss:${api.endpoint.slice(3)}?a=`.length
    await connect(api, { query: `?a=${'x'.repeat(room)}` })
    const refused = detail(api, 'refuse')
    const client = await begin(api, { query: `?a=${'x'.repeat(room + 1)}` })
    expect((await client.refused).status).toBe(414)
    expect(await refused).toEqual({ status: 414, detail: 'The URL of 4097 characters exceeds 4096' })
  })

  test('for a request that is not a WebSocket, before a function is invoked', async () => {
    const $connect = taking()
    const api = await openApi({ routes: { $connect } })
    const status = await new Promise((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'short' }
      const request = httpRequest(api.managementEndpoint, { headers })
      request.on('response', (response) => resolve(response.resume().statusCode))
      request.on('error', reject).end()
    })
    expect([status, $connect.events]).toEqual([400, []])
  })

  test('over the account’s connects in a second', async () => {
    const clock = new ManualClock()
    const api = await openApi({ clock, limits: { connectsPerSecond: 2 } })
    await connect(api)
    await connect(api)
    expect((await (await begin(api)).refused).status).toBe(429)
    await clock.advance(1000)
    await connect(api)
  })
})

describe('a signature', () => {
  test('is required if there are identities', async () => {
    const $connect = taking()
    const api = await openApi({ routes: { $connect }, identities: [credentials] })
    const client = await begin(api)
    expect(await client.refused).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': 'MissingAuthenticationTokenException' },
      body: { message: 'Missing Authentication Token' },
    })
    await connect(api, { credentials, query: '?app=a&name=%E6%BC%A2%20%27*()' })
    expect($connect.events).toHaveLength(1)
  })

  test.each([
    [
      'another secret',
      { credentials: { ...credentials, secretAccessKey: 'x' } },
      'InvalidSignatureException',
    ],
    ['an unknown key', { credentials: { ...credentials, accessKeyId: 'x' } }, 'UnrecognizedClientException'],
    [
      'no token',
      { credentials: { accessKeyId: credentials.accessKeyId, secretAccessKey: 'secret' } },
      'UnrecognizedClientException',
    ],
    ['another region', { credentials, region: 'eu-west-1' }, 'InvalidSignatureException'],
    [
      'a time of six minutes ago',
      { credentials, now: 1_800_000_000_000 - 360_000 },
      'InvalidSignatureException',
    ],
    [
      'a time six minutes ahead',
      { credentials, now: 1_800_000_000_000 + 360_000 },
      'InvalidSignatureException',
    ],
  ])('with %s is refused, with the time', async (_, options, type) => {
    const $connect = taking()
    const clock = new ManualClock()
    const api = await openApi({ routes: { $connect }, identities: [credentials], clock })
    const client = await begin(api, { now: clock.now(), ...options })
    expect(await client.refused).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': type, date: new Date(clock.now()).toUTCString() },
    })
    expect($connect.events).toEqual([])
    await connect(api, { credentials, now: clock.now() - 240_000 })
  })

  test('holds for the query that it was made of', async () => {
    const api = await openApi({ identities: [credentials] })
    const client = await begin(api, { credentials, query: '?name=mine' })
    client.socket.terminate()
    const headers = (client.socket as unknown as { _req: { getHeaders(): Record<string, string> } })._req
    const { authorization, 'x-amz-date': date, 'x-amz-security-token': token } = headers.getHeaders()
    const { WebSocket } = await import('ws')
    const replay = new WebSocket(`${api.endpoint}?name=yours`, {
      headers: { authorization, 'x-amz-date': date, 'x-amz-security-token': token } as Record<string, string>,
    })
    const status = await new Promise((resolve) => {
      replay.on('unexpected-response', (request, response) => {
        request.destroy()
        resolve(response.statusCode)
      })
      replay.on('error', () => {})
    })
    expect(status).toBe(403)
  })

  test('needs an identity with a policy that allows the route', async () => {
    const resource = (route: string) => `arn:aws:execute-api:us-east-1:123456789012:abcde12345/live/${route}`
    const policy = (route: string) => ({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow' as const, Action: 'execute-api:Invoke', Resource: resource(route) },
    })
    const allowed = { accessKeyId: 'AKIAALLOWED', secretAccessKey: 'a', policy: policy('$connect') }
    const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'b', policy: policy('$default') }
    const api = await openApi({ apiId: 'abcde12345', identities: [allowed, other] })
    const client = await begin(api, { credentials: other })
    expect(await client.refused).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': 'AccessDeniedException' },
      body: { message: expect.stringContaining(`execute-api:Invoke on resource: ${resource('$connect')}`) },
    })
    const connected = await connect(api, { credentials: allowed })
    // Messages are not asked for it.
    const invoked = detail(api, 'invocation')
    connected.send('hello')
    expect(await invoked).toMatchObject({ routeKey: '$default' })
  })
})
