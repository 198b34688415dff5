import { describe, expect, it } from 'vitest'
import { event, events, openBroker, subscriber } from './local-broker-fixture.js'
import { RawMqttClient } from './raw-mqtt-client.js'
import { signedUrl } from './signed-url.js'

const will = { topic: 'kept', payload: Buffer.from('gone'), qos: 0, retain: true } as const

async function keptBy(url: string): Promise<string> {
  const reader = await subscriber(url, 'kept')
  const packet = await reader.next('publish')
  expect(packet?.retain).toBe(true)
  await reader.cut()
  return String(packet?.payload)
}

describe('a retained message', () => {
  it('goes unmarked to present subscribers, and marked to later ones', async () => {
    const { broker } = await openBroker()
    const there = await subscriber(broker.mqttUrl, 'kept')
    const client = await RawMqttClient.connect(broker.mqttUrl)
    client.publish('kept', 'here', { retain: true })
    expect(await there.next('publish')).toMatchObject({ payload: Buffer.from('here'), retain: false })
    expect(await keptBy(broker.mqttUrl)).toBe('here')
  })

  it('is cleared by an empty one', async () => {
    const { broker, clock } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    client.publish('kept', 'here', { retain: true })
    await client.ping()
    clock.advance(1_000)
    client.publish('kept', '', { retain: true })
    await client.ping()
    const late = await subscriber(broker.mqttUrl, 'kept')
    client.publish('kept', 'next')
    expect(await late.next('publish')).toMatchObject({ payload: Buffer.from('next'), retain: false })
  })

  // AWS IoT and RabbitMQ keep to this, and Mosquitto does not, so that what works here works with all of them.
  it.each(['mqttUrl', 'webSocketUrl'] as const)(
    'goes to no filter with a wildcard, over %s',
    async (side) => {
      const { broker } = await openBroker()
      const url = side === 'mqttUrl' ? broker.mqttUrl : `${broker.webSocketUrl}/mqtt`
      const client = await RawMqttClient.connect(url)
      for (const name of ['a', 'b']) client.publish(`kept/${name}`, name, { retain: true })
      await client.ping()
      const late = await RawMqttClient.connect(url)
      expect(await late.subscribe(['kept/+', '#', 'kept/b'])).toEqual([0, 0, 0])
      expect(await late.next('publish')).toMatchObject({ topic: 'kept/b', retain: true })
      // What is published from then on goes to them as ever, and proves that nothing else was on its way.
      client.publish('kept/a', 'now', { qos: 1, messageId: 1 })
      expect(await late.next('publish')).toMatchObject({ topic: 'kept/a', payload: Buffer.from('now') })
    },
  )

  it('counts against the rate of its receiver', async () => {
    const { broker } = await openBroker({ limits: { publishesPerSecond: 1 } })
    const client = await RawMqttClient.connect(broker.mqttUrl)
    client.publish('kept', 'here', { retain: true })
    await client.ping()
    const discard = event(broker, 'discard')
    const late = await subscriber(broker.mqttUrl, 'kept')
    await late.next('publish')
    late.publish('other')
    expect(await discard).toMatchObject({ direction: 'in', topic: 'other', reason: 'rate' })
  })
})

describe('a retained last will', () => {
  it('is kept for later subscribers, and counted', async () => {
    const { broker } = await openBroker()
    const watcher = await subscriber(broker.mqttUrl, 'kept')
    const published = events(broker, 'publish')
    const client = await RawMqttClient.connect(broker.mqttUrl, { will, clientId: 'c' })
    await client.cut()
    expect(String((await watcher.next('publish'))?.payload)).toBe('gone')
    expect(published).toEqual([{ clientId: 'c', topic: 'kept', bytes: 4, qos: 0 }])
    expect(await keptBy(broker.mqttUrl)).toBe('gone')
  })

  it.each([{ silently: false }, { silently: true }])('is kept when the broker cuts: %j', async (options) => {
    const { broker } = await openBroker()
    await RawMqttClient.connect(broker.mqttUrl, { will })
    const published = event(broker, 'publish')
    broker.disconnectAll(options)
    await published
    expect(await keptBy(broker.mqttUrl)).toBe('gone')
  })

  it('is discarded within the second that a topic has for one retained message', async () => {
    const { broker, clock } = await openBroker()
    const first = await RawMqttClient.connect(broker.mqttUrl, { will, clientId: 'c' })
    const second = await RawMqttClient.connect(broker.mqttUrl, { will })
    first.publish('kept', 'here', { retain: true })
    await first.ping()
    clock.advance(999)
    const discard = event(broker, 'discard')
    await first.cut()
    expect(await discard).toEqual({
      clientId: 'c',
      direction: 'in',
      topic: 'kept',
      reason: 'retain-rate',
    })
    expect(await keptBy(broker.mqttUrl)).toBe('here')
    clock.advance(1)
    const published = event(broker, 'publish')
    await second.cut()
    await published
    expect(await keptBy(broker.mqttUrl)).toBe('gone')
  })

  it('is not kept after a WebSocket close frame, which counts as the client’s own goodbye', async () => {
    const { broker, clock } = await openBroker()
    const url = `${broker.webSocketUrl}/mqtt`
    const client = await RawMqttClient.connect(url, { will })
    client.publish('kept', 'here', { retain: true })
    await client.ping()
    clock.advance(1_000)
    const disconnect = event(broker, 'disconnect')
    client.webSocket!.close()
    expect(await disconnect).toMatchObject({ reason: 'CLIENT_INITIATED_DISCONNECT' })
    // What goes the same way as the will would have, and later.
    const witness = await subscriber(url, 'after')
    witness.publish('after')
    await witness.next('publish')
    expect(await keptBy(url)).toBe('here')
  })

  it('needs iot:RetainPublish', async () => {
    const allow = (Action: string, resource: string) => ({
      Effect: 'Allow' as const,
      Action,
      Resource: `arn:aws:iot:us-east-1:123456789012:${resource}`,
    })
    const Statement = [allow('iot:Connect', '*'), allow('iot:Publish', '*')]
    for (const [more, code] of [
      [[], undefined],
      [[allow('iot:RetainPublish', 'topic/kept')], 0],
    ] as const) {
      const policy = { Version: '2012-10-17', Statement: [...Statement, ...more] }
      const identity = { accessKeyId: 'AKIA', secretAccessKey: 'secret', policy }
      const { broker, clock } = await openBroker({ identities: [identity] })
      const ends = events(broker, 'disconnect')
      const url = await signedUrl(broker.webSocketUrl, { identity, now: clock.now() })
      const client = await RawMqttClient.open(url)
      expect(await client.hello({ will })).toBe(code)
      if (code === 0) continue
      await client.closed
      expect(ends).toMatchObject([
        { reason: 'AUTH_ERROR', detail: 'iot:RetainPublish on topic/kept is not allowed' },
      ])
    }
  })
})
