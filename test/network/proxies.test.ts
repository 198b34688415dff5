import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { HttpsProxyAgent } from 'https-proxy-agent'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest'
import type { Transport } from '../../src/index.js'
import { createLocalBroker, type LocalBroker } from '../../src/local/index.js'
import { s3 } from '../../src/stores/s3.js'
import { iot } from '../../src/transports/iot.js'
import { type MqttOptions, mqtt } from '../../src/transports/mqtt.js'
import { freePort } from '../support/free-port.js'
import { ManualClock } from '../support/manual-clock.js'
import { startProxy, type TestProxy, type TestProxyOptions } from '../support/proxy.js'
import { s3Request } from '../support/s3-request.js'
import { bucketName, LOCAL_CREDENTIALS, startLocalS3 } from '../support/s3-subjects.js'
import { type Certificates, makeCertificates } from '../support/tls.js'
import { SIDES, startApi, startDatabase } from '../transports/api-gateway-fixture.js'
import { failure, Inbox, session, stub } from '../transports/inbox.js'
import { identity, region } from '../transports/iot-gateway.js'

let broker: LocalBroker
let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
  broker = createLocalBroker({ region, identities: [identity] })
  await broker.open()
})
afterAll(async () => {
  await broker.close()
  await certificates[Symbol.asyncDispose]()
})

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) vi.stubEnv(name, undefined)
})
afterEach(() => vi.unstubAllEnvs())

async function proxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const started = await startProxy(options)
  onTestFinished(() => started[Symbol.asyncDispose]())
  return started
}

const intercepting = () => ({
  intercept: { cert: certificates.serverCert, key: certificates.serverKey },
})

const webSocketPort = () => new URL(broker.webSocketUrl).port
const mqttPort = () => new URL(broker.mqttUrl).port
/** A frame from a session to itself arrives. */
async function passes(transport: Transport): Promise<void> {
  const inbox = new Inbox()
  await using connection = await transport.connect(session, inbox)
  await connection.send(session, Buffer.from('frame'))
  expect(String(await inbox.next())).toBe('frame')
}

const iotAt = (scheme: 'ws' | 'wss', options: object = {}) =>
  iot({ endpoint: `${scheme}://broker.test:${webSocketPort()}`, region, credentials: identity, ...options })
const mqttAt = (scheme: 'mqtt' | 'mqtts', options: Partial<MqttOptions> = {}) =>
  mqtt({ url: `${scheme}://broker.test:${mqttPort()}`, ...options })

describe('a proxy from the environment', () => {
  test('HTTP_PROXY serves a ws:// broker', async () => {
    const { host, asked } = await proxy()
    vi.stubEnv('HTTP_PROXY', `http://${host}`)
    await passes(iotAt('ws'))
    expect(asked).toEqual([`broker.test:${webSocketPort()}`])
  })

  test.each(['iot', 'mqtt'])(
    'HTTPS_PROXY inspects the TLS of %s(), which trusts it by `ca`',
    async (name) => {
      const { host, asked } = await proxy(intercepting())
      vi.stubEnv('HTTPS_PROXY', `http://${host}`)
      const { ca } = certificates
      await passes(name === 'iot' ? iotAt('wss', { ca }) : mqttAt('mqtts', { ca }))
      expect(asked).toHaveLength(1)
      const error = await failure(
        (name === 'iot' ? iotAt('wss') : mqttAt('mqtts')).connect(session, new Inbox()),
      )
      expect(error).toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringMatching(/certificate is not trusted.*'ca'.*NODE_EXTRA_CA_CERTS/),
        details: { during: 'tls' },
      })
    },
  )

  test('a user name and a password are in its URL', async () => {
    const { host } = await proxy({ password: 'p@ss' })
    vi.stubEnv('HTTP_PROXY', `http://user:p%40ss@${host}`)
    await passes(iotAt('ws'))
    vi.stubEnv('HTTP_PROXY', `http://user:wrong@${host}`)
    const error = await failure(iotAt('ws').connect(session, new Inbox()))
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: `The proxy ${host} (HTTP_PROXY) refused to connect to broker.test:${webSocketPort()}, with status 407. It wants a user name and a password: write http://user:password@host:port into HTTP_PROXY, percent-encoded.`,
      details: { during: 'proxy', proxyStatus: 407 },
    })
  })

  test.each([403, 502])(
    'a refusal with status %i is attributed to the proxy, not to the signature',
    async (status) => {
      const { host } = await proxy({ status })
      vi.stubEnv('HTTPS_PROXY', `http://${host}`)
      for (const transport of [iotAt('wss'), mqttAt('mqtts')]) {
        const error = await failure(transport.connect(session, new Inbox()))
        expect(error.message).toMatch(`The proxy ${host} (HTTPS_PROXY) refused`)
        expect(error.message).not.toMatch(/credentials/)
        expect(error.details).toMatchObject({ during: 'proxy', proxyStatus: status })
      }
    },
  )

  test('an unreachable proxy is named', async () => {
    const port = await freePort()
    vi.stubEnv('HTTPS_PROXY', `http://user:secret@127.0.0.1:${port}`)
    for (const transport of [iotAt('wss'), mqttAt('mqtts')]) {
      const error = await failure(transport.connect(session, new Inbox()))
      expect(error.message).toMatch(
        `The proxy 127.0.0.1:${port} (HTTPS_PROXY) cannot be reached: connect ECONNREFUSED`,
      )
      expect(error.message).not.toMatch('secret')
      expect(error.details).toMatchObject({ during: 'proxy' })
    }
  })

  test.each(['ws', 'mqtts'] as const)(
    'a silent proxy leaves no socket after the time-out (%s)',
    async (scheme) => {
      const silent = await proxy({ silent: true })
      vi.stubEnv('HTTP_PROXY', `http://${silent.host}`)
      vi.stubEnv('HTTPS_PROXY', `http://${silent.host}`)
      const clock = new ManualClock()
      const transport = scheme === 'ws' ? iotAt('ws', { clock }) : mqttAt('mqtts', { clock })
      const connecting = failure(transport.connect(session, new Inbox()))
      await silent.nextAsked()
      clock.advance(10_000)
      expect(await connecting).toMatchObject({ code: 'UNREACHABLE', details: { during: 'proxy' } })
      await silent.nextClosed()
    },
  )

  test('a mqtt:// broker is connected to directly', async () => {
    const { host, asked } = await proxy()
    vi.stubEnv('ALL_PROXY', `http://${host}`)
    const error = await failure(mqttAt('mqtt').connect(session, new Inbox()))
    expect(error.details).toMatchObject({ during: 'resolve' })
    expect(asked).toEqual([])
  })

  test('a broker on this machine is reached directly', async () => {
    const { host, asked } = await proxy({ status: 502 })
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) vi.stubEnv(name, `http://${host}`)
    await passes(iot({ endpoint: broker.webSocketUrl, region, credentials: identity }))
    expect(asked).toEqual([])
  })

  test.each(['ws', 'wss'])('apiGateway() connects and posts through it (%s)', async (scheme) => {
    const { host, asked } = await proxy(scheme === 'wss' ? intercepting() : {})
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) vi.stubEnv(name, `http://${host}`)
    await using database = await startDatabase()
    await using api = await startApi({ database })
    const { port } = new URL(api.endpoint)
    const [sessionsSide, stubsSide] = SIDES
    const [hears, answers] = [new Inbox(), new Inbox()]
    const endpoint = api.endpoint.replace('ws://127.0.0.1', `${scheme}://broker.test`)
    const { ca } = certificates
    await using here = await sessionsSide!.make({ endpoint, ca }).connect(session, hears)
    await using there = await stubsSide!.make({ endpoint: api.endpoint }).connect(stub, answers)
    await there.send(session, Buffer.from('question'))
    await hears.next()
    await here.send(stub, Buffer.from('one'))
    await here.send(stub, Buffer.from('two'))
    expect([String(await answers.next()), String(await answers.next())].sort()).toEqual(['one', 'two'])
    expect(new Set(asked)).toEqual(new Set([`broker.test:${port}`]))
    // One for the WebSocket, one for posts.
    expect(asked.length).toBeGreaterThanOrEqual(2)
  })

  test('s3() puts and gets through it, and attributes its refusal to the proxy', async () => {
    const server = await startLocalS3()
    const bucket = bucketName()
    await s3Request(server, { method: 'PUT', path: `/${bucket}` })
    const through = await proxy()
    vi.stubEnv('HTTP_PROXY', `http://${through.host}`)
    const endpoint = `http://broker.test:${new URL(server.endpoint).port}`
    const store = () => s3({ bucket, endpoint, forcePathStyle: true, region, credentials: LOCAL_CREDENTIALS })
    const one = store()
    await one.put('key', Buffer.from('body'))
    expect(String(await one.get('key', { maxBytes: 100 }))).toBe('body')
    // The second request has the first one's tunnel.
    expect(through.asked).toHaveLength(1)
    const refusing = await proxy({ status: 502 })
    vi.stubEnv('HTTP_PROXY', `http://${refusing.host}`)
    await expect(store().put('key', Buffer.from('body'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(`The proxy ${refusing.host} (HTTP_PROXY) refused`),
      details: { reason: 'unreachable' },
    })
  })
})

describe('an agent of the caller’s', () => {
  test.each(['ws', 'mqtt', 'mqtts'] as const)('opens the sockets of %s://', async (scheme) => {
    const { host, asked } = await proxy(scheme === 'mqtts' ? intercepting() : {})
    const agent = new HttpsProxyAgent(`http://${host}`)
    onTestFinished(() => agent.destroy())
    const { ca } = certificates
    await passes(scheme === 'ws' ? iotAt('ws', { agent }) : mqttAt(scheme, { agent, ca }))
    expect(asked).toHaveLength(1)
  })

  test.each(['ws', 'wss', 'mqtt', 'mqtts'] as const)(
    'speaks TLS to its proxy, and %s:// to the broker inside',
    async (scheme) => {
      const { intercept: tls } = intercepting()
      const secure = scheme === 'wss' || scheme === 'mqtts'
      const { host, asked } = await proxy({ tls, ...(secure && { intercept: tls }) })
      const { ca } = certificates
      const agent = new HttpsProxyAgent(`https://${host}`, { ca })
      onTestFinished(() => agent.destroy())
      const made = (trusted: object) =>
        scheme === 'ws' || scheme === 'wss'
          ? iotAt(scheme, { agent, ...trusted })
          : mqttAt(scheme, { agent, ...trusted })
      await passes(made({ ca }))
      expect(asked).toHaveLength(1)
      if (!secure) return
      const error = await failure(made({}).connect(session, new Inbox()))
      expect(error.details).toMatchObject({ during: 'tls' })
    },
  )

  test.each(['mqtts', 'wss'])(
    'has the certificate of a %s:// broker checked against its address',
    async (scheme) => {
      const { host } = await proxy(intercepting())
      const agent = new HttpsProxyAgent(`http://${host}`)
      onTestFinished(() => agent.destroy())
      const { ca } = certificates
      const at = (address: string) =>
        scheme === 'mqtts'
          ? mqtt({ url: `mqtts://${address}:${mqttPort()}`, agent, ca })
          : iot({ endpoint: `wss://${address}:${webSocketPort()}`, region, credentials: identity, agent, ca })
      await passes(at('127.0.0.1'))
      const error = await failure(at('127.0.0.2').connect(session, new Inbox()))
      expect(error.details).toMatchObject({ during: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    },
  )

  test.each(['ws', 'mqtt'] as const)('is named when its proxy refuses (%s)', async (scheme) => {
    const { host } = await proxy({ status: 407 })
    const agent = new HttpsProxyAgent(`http://${host}`)
    const transport = scheme === 'ws' ? iotAt('ws', { agent }) : mqttAt('mqtt', { agent })
    const error = await failure(transport.connect(session, new Inbox()))
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(
        /^The proxy of 'agent' refused to connect to broker\.test:\d+, with status 407/,
      ),
      details: { during: 'proxy', proxyStatus: 407 },
    })
  })

  test.each(['ws', 'mqtt'] as const)('is Node’s own (%s), and survives', async (scheme) => {
    const agent = new http.Agent({ keepAlive: true })
    let destroyed = false
    agent.destroy = () => {
      destroyed = true
    }
    const options = { agent, region, credentials: identity }
    await passes(
      scheme === 'ws'
        ? iot({ ...options, endpoint: broker.webSocketUrl })
        : mqtt({ agent, url: broker.mqttUrl }),
    )
    expect(destroyed).toBe(false)
    expect(Object.keys(agent.sockets)).toEqual([])
  })

  test('may speak TLS itself, as Node’s own for https: does', async () => {
    const { serverCert: cert, serverKey: key, ca } = certificates
    const server = createTlsServer({ cert, key }, (socket) => {
      const target = connect(Number(mqttPort()), '127.0.0.1')
      socket.on('error', () => target.destroy())
      socket.pipe(target).pipe(socket)
    })
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    await passes(mqtt({ url: `mqtts://127.0.0.1:${port}`, agent: new https.Agent(), ca }))
  })

  test('false connects directly, in any environment', async () => {
    const { host, asked } = await proxy()
    vi.stubEnv('HTTP_PROXY', `http://${host}`)
    const error = await failure(iotAt('ws', { agent: false }).connect(session, new Inbox()))
    expect(error.details).toMatchObject({ during: 'resolve' })
    expect(asked).toEqual([])
  })
})

test('when a name does not resolve without a proxy, the error explains how to set one', async () => {
  const error = await failure(iotAt('wss').connect(session, new Inbox()))
  expect(error.message).toMatch("Behind a proxy, set HTTPS_PROXY or pass 'agent'.")
  expect(error.details).toMatchObject({ during: 'resolve' })
})
