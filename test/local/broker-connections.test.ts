import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { event, events, openBroker, subscriber } from './local-broker-fixture.js'
import { RawMqttClient } from './raw-mqtt-client.js'

const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } as const
const carriers = [
  ['TCP', 'mqttUrl', ''],
  ['WebSocket', 'webSocketUrl', '/mqtt'],
] as const

describe.each(carriers)('over %s', (_name, url, path) => {
  it('carries messages between clients', async () => {
    const { broker } = await openBroker()
    const receiver = await subscriber(broker[url] + path, 'a/+')
    const sender = await RawMqttClient.connect(broker[url] + path)
    sender.publish('a/b', 'hello')
    expect(String((await receiver.next('publish'))?.payload)).toBe('hello')
    expect(broker.stats()).toEqual({ connections: 2, published: 1, delivered: 1, discarded: 0 })
  })

  it('gives a client id to the newer connection', async () => {
    const { broker, clock } = await openBroker()
    const older = await RawMqttClient.connect(broker[url] + path, { clientId: 'same' })
    clock.advance(1000)
    const disconnect = event(broker, 'disconnect')
    const newer = await RawMqttClient.connect(broker[url] + path, { clientId: 'same' })
    await older.closed
    expect(await disconnect).toMatchObject({ clientId: 'same', reason: 'DUPLICATE_CLIENTID' })
    await newer.ping()
  })

  it('sends the last will of a client that is cut off', async () => {
    const { broker } = await openBroker()
    const watcher = await subscriber(broker[url] + path, 'will')
    const client = await RawMqttClient.connect(broker[url] + path, { will })
    await client.cut()
    expect(String((await watcher.next('publish'))?.payload)).toBe('gone')
  })

  it('sends no last will after DISCONNECT', async () => {
    const { broker } = await openBroker()
    const watcher = await subscriber(broker[url] + path, '#')
    const client = await RawMqttClient.connect(broker[url] + path, { will })
    const disconnect = event(broker, 'disconnect')
    client.send({ cmd: 'disconnect' })
    expect((await disconnect).reason).toBe('CLIENT_INITIATED_DISCONNECT')
    await client.closed
    // A message that goes the same way as a will would have, and later.
    ;(await RawMqttClient.connect(broker[url] + path)).publish('after')
    expect((await watcher.next('publish'))?.topic).toBe('after')
  })

  it('cuts all clients without a goodbye', async () => {
    const { broker } = await openBroker()
    const clients = [
      await RawMqttClient.connect(broker[url] + path),
      await subscriber(broker[url] + path, 'a'),
    ]
    broker.disconnectAll()
    for (const client of clients) await client.closed
    expect(clients.flatMap(({ packets }) => packets)).toEqual([])
    expect(broker.stats().connections).toBe(0)
  })

  it('leaves the sockets open but silent when it cuts silently', async () => {
    const { broker } = await openBroker()
    const client = await subscriber(broker[url] + path, 'a')
    broker.disconnectAll({ silently: true })
    client.publish('a')
    client.send({ cmd: 'pingreq' })
    const other = await subscriber(broker[url] + path, 'a')
    other.publish('a')
    await other.next('publish')
    expect(client.packets).toEqual([])
    expect(client.stream.destroyed).toBe(false)
    await broker.close()
    await client.closed
  })
})

describe('a WebSocket close frame', () => {
  it('counts as the client’s own goodbye: no last will', async () => {
    const { broker } = await openBroker()
    const url = `${broker.webSocketUrl}/mqtt`
    const watcher = await subscriber(url, '#')
    const client = await RawMqttClient.connect(url, { will })
    const disconnect = event(broker, 'disconnect')
    client.webSocket?.close()
    expect((await disconnect).reason).toBe('CLIENT_INITIATED_DISCONNECT')
    ;(await RawMqttClient.connect(url)).publish('after')
    expect((await watcher.next('publish'))?.topic).toBe('after')
  })
})

describe('keep-alive', () => {
  it.each([
    [1, 30],
    [30, 30],
    [60, 60],
    [1200, 1200],
    [1201, 1200],
    [0, 1200],
  ])('of %i s counts as %i, one and a half times over', async (asked, counted) => {
    const { broker, clock } = await openBroker()
    const connect = event(broker, 'connect')
    const client = await RawMqttClient.connect(broker.mqttUrl, { keepalive: asked, clientId: 'k' })
    expect(await connect).toEqual({ clientId: 'k', keepAliveSeconds: counted })
    clock.advance(counted * 1500 - 1)
    await client.ping()
    clock.advance(counted * 1500 - 1)
    expect(broker.stats().connections).toBe(1)
    const disconnect = event(broker, 'disconnect')
    clock.advance(1)
    expect((await disconnect).reason).toBe('MQTT_KEEP_ALIVE_TIMEOUT')
    await client.closed
  })
})

describe('24 hours', () => {
  it('end a WebSocket connection, however lively', async () => {
    const { broker, clock } = await openBroker()
    const client = await RawMqttClient.connect(`${broker.webSocketUrl}/mqtt`)
    const overTcp = await RawMqttClient.connect(broker.mqttUrl)
    for (let minute = 0; minute < 24 * 60; minute += 20) {
      clock.advance(20 * 60_000 - 1)
      await Promise.all([client.ping(), overTcp.ping()])
      const disconnect = event(broker, 'disconnect')
      clock.advance(1)
      if (minute === 24 * 60 - 20) expect((await disconnect).reason).toBe('WEBSOCKET_TTL_EXPIRATION')
    }
    await client.closed
    await overTcp.ping()
  })
})

describe('CONNECT', () => {
  it('is refused with 3 when its client id connected less than a second ago', async () => {
    const { broker, clock } = await openBroker()
    const first = await RawMqttClient.connect(broker.mqttUrl, { clientId: 'c' })
    clock.advance(999)
    const disconnect = event(broker, 'disconnect')
    const second = await RawMqttClient.open(broker.mqttUrl)
    expect(await second.hello({ clientId: 'c' })).toBe(3)
    await second.closed
    expect((await disconnect).reason).toBe('THROTTLED')
    await first.ping()
    clock.advance(1)
    await RawMqttClient.connect(broker.mqttUrl, { clientId: 'c' })
  })

  it('takes a client id of 128 bytes and refuses 129 with 2', async () => {
    const { broker } = await openBroker()
    await RawMqttClient.connect(broker.mqttUrl, { clientId: 'x'.repeat(128) })
    const client = await RawMqttClient.open(broker.mqttUrl)
    expect(await client.hello({ clientId: 'x'.repeat(129) })).toBe(2)
  })

  it('of MQTT 5 is refused with 1, for aedes speaks 3.1.1', async () => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.open(broker.mqttUrl)
    expect(await client.hello({ protocolVersion: 5 })).toBe(1)
  })

  it.each([
    { ...will, topic: '$aws/x' },
    { ...will, topic: 'a/b/c/d/e/f/g/h/i' },
    { ...will, qos: 2 as const },
  ])('with a will that could not be published is refused', async (will) => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.open(broker.mqttUrl)
    expect(await client.hello({ will })).toBeUndefined()
  })

  it('comes first, and its CONNACK before anything else', async () => {
    const { broker } = await openBroker()
    const early = await RawMqttClient.open(broker.mqttUrl)
    early.send({ cmd: 'pingreq' })
    await early.closed
    const impatient = await RawMqttClient.open(broker.mqttUrl)
    const disconnect = event(broker, 'disconnect')
    void impatient.hello()
    impatient.publish('a')
    await impatient.closed
    expect((await disconnect).detail).toBe('packet of type 3 before CONNACK')
  })

  it('comes once', async () => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    expect(await client.hello()).toBeUndefined()
  })
})

describe('noise', () => {
  it.each([
    Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${'x'.repeat(100)}\r\n\r\n`),
    Buffer.alloc(64, 0xff),
    Buffer.from([0x10, 0x02, 0x00, 0x00]),
    Buffer.from([0x10, 0x00]),
  ])('ends its own connection only', async (noise) => {
    const { broker } = await openBroker()
    const disconnects = events(broker, 'disconnect')
    const bystander = await RawMqttClient.connect(broker.mqttUrl)
    const client = await RawMqttClient.open(broker.mqttUrl)
    client.stream.write(noise)
    await client.closed
    await bystander.ping()
    expect(disconnects).toHaveLength(1)
  })
})

describe('the broker itself', () => {
  it('returns its addresses only while it listens', async () => {
    const broker = createLocalBroker()
    expect(() => broker.mqttUrl).toThrowError(expect.objectContaining({ code: 'CLOSED' }))
    await Promise.all([broker.open(), broker.open()])
    expect(broker.mqttUrl).toMatch(/^mqtt:\/\/127\.0\.0\.1:\d+$/)
    await Promise.all([broker.close(), broker.close()])
    expect(() => broker.webSocketUrl).toThrowError(expect.objectContaining({ code: 'CLOSED' }))
    await expect(broker.open()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('leaves no timer when it closes', async () => {
    const { broker, clock } = await openBroker({ limits: { bytesPerSecond: 100 } })
    const client = await RawMqttClient.connect(`${broker.webSocketUrl}/mqtt`)
    const published = event(broker, 'publish')
    client.publish('a', Buffer.alloc(1000))
    await published
    expect(clock.pending).toBeGreaterThan(0)
    await broker.close()
    await client.closed
    expect(clock.pending).toBe(0)
  })

  it('fails with UNREACHABLE if a port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await using broker = createLocalBroker({ port })
    await expect(broker.open()).rejects.toMatchObject({ code: 'UNREACHABLE' })
    other.close()
  })

  it.each([
    ['port', { port: 65_536 }],
    ['tcpPort', { tcpPort: 1.5 }],
    ['region', { region: '' }],
    ['limits.payloadBites', { limits: { payloadBites: 1 } }],
    ['limits.payloadBytes', { limits: { payloadBytes: Number.NaN } }],
    ['identities[0].secretAccessKey', { identities: [{ accessKeyId: 'A', secretAccessKey: '' }] }],
  ])('refuses a wrong %s by its name', (name, options) => {
    expect(() => createLocalBroker(options as object)).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})
