import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { OpenConnection } from '../../src/local/index.js'
import { apiGatewayTransport } from '../../src/transports/api-gateway/transport.js'
import { type ApiGatewayOptions, apiGateway } from '../../src/transports/api-gateway.js'
import { ManualClock } from '../support/manual-clock.js'
import {
  type ApiOptions,
  type Database,
  identity,
  region,
  SIDES,
  startApi,
  startDatabase,
} from './api-gateway-fixture.js'
import { failure, Inbox, session, stub } from './inbox.js'

const HOUR_MS = 3_600_000

let database: Database
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function openApi(options: Omit<ApiOptions, 'database'> = {}) {
  const api = await startApi({ database, ...options })
  onTestFinished(() => api.close())
  const refusals: number[] = []
  api.on('refuse', ({ status }) => refusals.push(status))
  return { api, endpoint: api.endpoint, refusals }
}

describe.each(SIDES)('$side', ({ make }) => {
  test('identifies itself on connecting, and says goodbye', async () => {
    const { api, endpoint } = await openApi()
    const ended = new Promise<number>((resolve) => api.once('disconnect', ({ code }) => resolve(code)))
    const name = "ada & co / 'π' #1"
    const connection = await make({ endpoint }).connect({ ...session, name }, new Inbox(), {
      identity: { session: 's-1', epoch: 7 },
    })
    const [{ query }] = api.connections() as [OpenConnection]
    const { at, sig, ...facts } = query
    expect(facts).toEqual({ app: 'shop', stage: 'dev', role: 'session', name, session: 's-1', epoch: '7' })
    expect([at, sig]).toEqual([expect.stringMatching(/^\d{13}$/), expect.stringMatching(/^[\w-]{86}$/)])
    await connection.close()
    expect(await connection.closed).toBeUndefined()
    expect(await ended).toBe(1000)
  })

  test('carries frames of 98,112 bytes, and refuses a byte more before it is sent', async () => {
    const { endpoint, api } = await openApi()
    const transport = make({ endpoint })
    const inbox = new Inbox()
    // The longest head that there is.
    const name = 'n'.repeat(100)
    await using receiver = await transport.connect({ ...session, name }, inbox)
    await using sender = await transport.connect(stub, new Inbox())
    expect(transport.limits.frameBytes).toBe(98_112)
    const frame = Buffer.alloc(98_112, 7)
    for (const way of ['by the relay', 'by a post']) {
      await sender.send({ ...session, name }, frame)
      expect((await inbox.next()).equals(frame), way).toBe(true)
    }
    expect(api.stats().invocations.$default).toBe(1)
    await expect(sender.send({ ...session, name }, Buffer.alloc(98_113))).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/98,113 bytes exceeds 98,112/),
    })
    expect(receiver.expiresAt).toBeGreaterThan(Date.now())
  })

  test('fetches credentials and signs anew at each connect', async () => {
    const second = { accessKeyId: 'AKIASECOND', secretAccessKey: 'other' }
    const given = [identity, identity, second]
    let asked = 0
    const { endpoint, refusals } = await openApi({ identities: [identity, second] })
    const transport = make({ endpoint, credentials: () => given[asked++]! })
    for (let i = 0; i < 3; i++) await (await transport.connect(stub, new Inbox())).close()
    expect(asked).toBe(3)
    expect(refusals).toEqual([])
  })

  test.each([
    ['a wrong secret', { ...identity, secretAccessKey: 'wrong-word' }],
    ['an unknown key', { ...identity, accessKeyId: 'AKIAUNKNOWN' }],
    ['an expired session token', { ...identity, sessionToken: 'expired-token' }],
  ])('gives a remedy after %s, and reveals no secret', async (_what, wrong) => {
    const { endpoint, refusals } = await openApi()
    const error = await failure(make({ endpoint, credentials: () => wrong }).connect(stub, new Inbox()))
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/status 403.*check the credentials, the region.*apiGatewayPolicy/),
      details: { statusCode: 403 },
    })
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/word|token|Signature/)
    expect(refusals).toEqual([403])
  })

  test.each([
    ['an hour behind', -HOUR_MS],
    ['six minutes ahead', 6 * 60_000],
    ['a year ahead', 365 * 24 * HOUR_MS],
  ])('corrects a clock that is %s by the Date of the refusal, and remembers', async (_what, errorMs) => {
    const { api, endpoint, refusals } = await openApi()
    const clock = { now: () => Date.now() + errorMs, schedule: () => () => {} }
    const transport = make({ endpoint, clock })
    const inbox = new Inbox()
    await using receiver = await transport.connect(session, inbox)
    await using sender = await transport.connect(stub, new Inbox())
    for (const text of ['by the relay', 'by a post']) {
      await sender.send(session, Buffer.from(text))
      expect(await inbox.text()).toBe(text)
    }
    expect(api.stats().messages.$default).toBe(1)
    expect(refusals).toHaveLength(1)
    expect(Math.abs(receiver.expiresAt! - clock.now() - 2 * HOUR_MS)).toBeLessThan(10_000)
  })

  test('gives up after one correction when the credentials are wrong, too', async () => {
    const { endpoint, refusals } = await openApi({ identities: [] })
    const clock = { now: () => Date.now() - HOUR_MS, schedule: () => () => {} }
    expect(await failure(make({ endpoint, clock }).connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/check the credentials/),
    })
    expect(refusals).toHaveLength(2)
  })

  test.each([
    ['relay fails at $connect', /status 502.*log of the relay function/, { fails: () => true }],
    ['account has too many connects', /status 429.*too many connects/, { limits: { connectsPerSecond: 0 } }],
  ])('says that the %s', async (_what, message, options) => {
    const { endpoint } = await openApi(options)
    const failed = failure(make({ endpoint }).connect(stub, new Inbox()))
    expect(await failed).toMatchObject({ code: 'UNREACHABLE', message: expect.stringMatching(message) })
  })

  test('says that the stack may be gone when its name does not resolve', async () => {
    const endpoint = 'abc123.execute-api.eu-west-1.invalid/dev'
    expect(await failure(make({ endpoint }).connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/abc123.*ENOTFOUND.*debug stack/),
      details: { code: 'ENOTFOUND' },
    })
  })

  test('waits for a silent server until the connect time-out at most, and can be aborted meanwhile', async () => {
    const server = createServer()
    const sockets = new Set<Socket>()
    // With a listener for upgrades, Node leaves the socket as it is.
    server.on('upgrade', (_request, socket) => {
      sockets.add(socket as Socket)
      socket.on('error', () => {})
      socket.resume().once('end', () => socket.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const endpoint = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/dev`
    expect(await failure(make({ endpoint, connectTimeoutMs: 100 }).connect(stub, new Inbox()))).toMatchObject(
      {
        code: 'UNREACHABLE',
        message: expect.stringMatching(/no connection within 100 ms/),
      },
    )
    const aborting = new AbortController()
    const asked = once(server, 'upgrade')
    const failed = failure(make({ endpoint }).connect(stub, new Inbox(), { signal: aborting.signal }))
    await asked
    aborting.abort()
    expect(await failed).toMatchObject({ code: 'ABORTED' })
    // Neither left its socket behind.
    await Promise.all([...sockets].map((socket) => socket.destroyed || once(socket, 'close')))
  })

  test('reports why the API ended a connection', async () => {
    const clock = new ManualClock(Date.now())
    const { api, endpoint } = await openApi({ clock, limits: { lifetimeMs: 60_000 } })
    const connection = await make({ endpoint }).connect(stub, new Inbox())
    await clock.advance(60_000)
    expect(await connection.closed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/was lost: it was closed with code 1001: Going away/),
      details: { closeCode: 1001 },
    })
    expect(await failure(connection.send(session, Buffer.from('late')))).toMatchObject({
      code: 'UNREACHABLE',
    })
    expect(api.stats().connections).toBe(0)
    await connection.close()
  })

  test('treats a connection with unanswered pings as dead', async () => {
    const { api, endpoint } = await openApi()
    const clock = new ManualClock(Date.now())
    const connection = await make({ endpoint, clock }).connect(session, new Inbox())
    const [serverSide] = api.connections()
    await clock.advance(30_000)
    // The receipt comes after the pong: what answers once, is expected to answer.
    await connection.send(session, Buffer.from('claim'))
    api.cut({ connectionId: serverSide!.connectionId, silently: true })
    await clock.advance(89_000)
    expect(await Promise.race([connection.closed, 'alive'])).toBe('alive')
    await clock.advance(1_000)
    expect(await connection.closed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/left 2 pings unanswered, 30 s apart/),
    })
  })

  test.each([
    ["'endpoint'", { endpoint: 'https://abc.execute-api.eu-west-1.amazonaws.com/dev' }],
    ["'endpoint'", { endpoint: '' }],
    ["'endpoint'", { endpoint: 'tether' }],
    ["'endpoint'", { endpoint: 'wss://' }],
    ["'endpoint'", { endpoint: undefined as never }],
    ["'endpoint'", { endpoint: 'wss://abc.execute-api.eu-west-1.amazonaws.com' }],
    ["'endpoint'", { endpoint: 'abc-ats.iot.eu-west-1.amazonaws.com' }],
  ])('names the wrong option: %s', (name, wrong) => {
    expect(() => make(wrong)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
    )
  })
})

test.each([
  ["'region'", { region: 'Ireland' }],
  ["'connectTimeoutMs'", { connectTimeoutMs: 0 }],
  ["'ca'", { ca: 5 }],
  [
    "'credentials.secretAccessKey' must be a text",
    { credentials: { accessKeyId: 'AKIA', secretAccessKey: '' } },
  ],
])('apiGateway() names the wrong option: %s', (name, wrong) => {
  const options = { endpoint: 'ws://127.0.0.1:1/dev', region, credentials: identity, ...wrong }
  expect(() => apiGateway(options as ApiGatewayOptions)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
  )
})

test('apiGateway() requires options', () => {
  expect(() => apiGateway(undefined as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('a session that cannot sign gets an error, and leaves no connection', async () => {
  let open = 0
  const poster = () => {
    open++
    return { post: () => Promise.reject(new Error('never')), close: () => void open-- }
  }
  const access = async () => ({ region, credentials: identity, poster: poster() })
  const transport = apiGatewayTransport(
    'ws://127.0.0.1:1',
    { endpoint: 'ws://127.0.0.1:1' },
    {
      access,
      openWebSocket: () => expect.fail('it connects'),
    },
  )
  expect(await failure(transport.connect(session, new Inbox()))).toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining("'sign' is needed to connect a session"),
  })
  expect(open).toBe(0)
})
