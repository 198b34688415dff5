import { describe, expect, it } from 'vitest'
import { event, events, openBroker, subscriber } from './local-broker-fixture.js'
import { RawMqttClient } from './raw-mqtt-client.js'

describe('payload size', () => {
  it('carries 131,072 bytes unaltered', async () => {
    const { broker } = await openBroker()
    const receiver = await subscriber(broker.mqttUrl, 'a')
    const sender = await RawMqttClient.connect(broker.mqttUrl)
    const payload = Buffer.alloc(
      131_072,
      Uint8Array.from({ length: 256 }, (_, i) => i),
    )
    sender.publish('a', payload)
    expect((await receiver.next('publish'))?.payload).toEqual(payload)
  })

  it.each([0, 1] as const)('closes the connection at 131,073 bytes and QoS %i', async (qos) => {
    const { broker } = await openBroker()
    const receiver = await subscriber(broker.mqttUrl, 'a')
    const sender = await RawMqttClient.connect(broker.mqttUrl)
    const disconnect = event(broker, 'disconnect')
    sender.publish('a', Buffer.alloc(131_073), { qos, messageId: 1 })
    await sender.closed
    expect(await disconnect).toMatchObject({
      reason: 'CLIENT_ERROR',
      detail: 'payload of 131073 bytes exceeds 131072',
    })
    await receiver.ping()
    expect(receiver.count('publish')).toBe(0)
    expect(sender.count('puback')).toBe(0)
  })

  it('refuses a packet for the length it announces, before it has come', async () => {
    const { broker } = await openBroker()
    const sender = await RawMqttClient.connect(broker.mqttUrl)
    const disconnect = event(broker, 'disconnect')
    // A PUBLISH that announces 256 MB and sends nothing of them.
    sender.stream.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
    await sender.closed
    expect((await disconnect).detail).toBe('packet of 268435455 bytes exceeds 131332')
  })
})

describe('topics', () => {
  const longest = `${'漢'.repeat(85)}x`
  const deepest = 'a/b/c/d/e/f/g/h'

  it.each([longest, deepest])('takes 256 bytes and 7 slashes', async (topic) => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    expect(await client.subscribe(topic)).toEqual([0])
    client.publish(topic)
    expect((await client.next('publish'))?.topic).toBe(topic)
  })

  it.each([
    [`${longest}x`, 'topic of 257 bytes exceeds 256'],
    [`${deepest}/i`, 'topic with 8 slashes exceeds 7'],
    ['$aws/things/x', "topic '$aws/things/x' is reserved"],
  ])('ends the connection of a client that publishes beyond', async (topic, detail) => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    const disconnect = event(broker, 'disconnect')
    client.publish(topic)
    await client.closed
    expect(await disconnect).toMatchObject({ reason: 'CLIENT_ERROR', detail })
  })

  it.each([`${longest}x`, `${deepest}/i`])(
    'ends the connection of a client that subscribes beyond',
    async (topic) => {
      const { broker } = await openBroker()
      const client = await RawMqttClient.connect(broker.mqttUrl)
      expect(await client.subscribe(topic)).toBeUndefined()
    },
  )
})

describe('QoS 2', () => {
  it('ends the connection of a client that publishes with it', async () => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    const disconnect = event(broker, 'disconnect')
    client.publish('a', 'x', { qos: 2, messageId: 1 })
    await client.closed
    expect((await disconnect).detail).toBe('QoS 2 is not supported')
  })

  it('refuses a subscription with it, and nothing else', async () => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    expect(await client.subscribe('a', 2)).toEqual([0x80])
    expect(await client.subscribe('a', 1)).toEqual([1])
  })
})

describe('100 publishes a second', () => {
  it('discards the 101st from a client, with no PUBACK, and takes more a second later', async () => {
    const { broker, clock } = await openBroker()
    const discards = events(broker, 'discard')
    const client = await RawMqttClient.connect(broker.mqttUrl, { clientId: 'c' })
    for (let id = 1; id <= 100; id++) client.publish('a', 'x', { qos: 1, messageId: id })
    await client.ping()
    clock.advance(999)
    client.publish('a', 'x', { qos: 1, messageId: 101 })
    await client.ping()
    expect(client.count('puback')).toBe(100)
    expect(discards).toEqual([{ clientId: 'c', direction: 'in', topic: 'a', reason: 'rate' }])
    clock.advance(1)
    client.publish('a', 'x', { qos: 1, messageId: 102 })
    await client.ping()
    expect(client.count('puback')).toBe(101)
    expect(broker.stats()).toMatchObject({ published: 101, discarded: 1 })
  })

  it('counts both directions together', async () => {
    const { broker } = await openBroker()
    const discards = events(broker, 'discard')
    const [one, two] = [await subscriber(broker.mqttUrl, 'to/1'), await RawMqttClient.connect(broker.mqttUrl)]
    for (let i = 0; i < 60; i++) one.publish('nobody')
    await one.ping()
    for (let i = 0; i < 41; i++) two.publish('to/1', String(i))
    for (let i = 0; i < 40; i++) expect(String((await one.next('publish'))?.payload)).toBe(String(i))
    await one.ping()
    expect(one.count('publish')).toBe(0)
    expect(discards).toMatchObject([{ direction: 'out', topic: 'to/1', reason: 'rate' }])
  })

  it('is a limit of each connection, not of the broker', async () => {
    const { broker } = await openBroker()
    const discards = events(broker, 'discard')
    for (let n = 0; n < 2; n++) {
      const client = await RawMqttClient.connect(broker.mqttUrl)
      for (let i = 0; i < 100; i++) client.publish('nobody')
      await client.ping()
    }
    expect(discards).toEqual([])
  })
})

describe('512 KB a second', () => {
  it('passes a second’s worth at once and delays the excess', async () => {
    const { broker, clock } = await openBroker()
    const receiver = await subscriber(broker.mqttUrl, 'a')
    const sender = await RawMqttClient.connect(broker.mqttUrl)
    const published = events(broker, 'publish')
    for (let i = 0; i < 5; i++) sender.publish('a', Buffer.alloc(120_000, i))
    for (let i = 0; i < 4; i++) await receiver.next('publish')
    while (published.length < 5) await event(broker, 'publish')
    await receiver.ping()
    expect(receiver.count('publish')).toBe(0)
    // 600 KB at 512 KB a second, with the first second's worth free: due after 144.5 ms.
    clock.advance(140)
    await receiver.ping()
    expect(receiver.count('publish')).toBe(0)
    clock.advance(10)
    expect((await receiver.next('publish'))?.payload).toEqual(Buffer.alloc(120_000, 4))
  })

  it('keeps the order of delayed messages', async () => {
    const { broker, clock } = await openBroker({ limits: { bytesPerSecond: 100 } })
    const sender = await RawMqttClient.connect(broker.mqttUrl)
    const receiver = await subscriber(broker.mqttUrl, 'a')
    for (let i = 0; i < 20; i++) sender.publish('a', `${i}`.padStart(20))
    const seen: number[] = []
    while (seen.length < 20) {
      clock.advance(50)
      await new Promise(setImmediate)
      while (receiver.count('publish') > 0) seen.push(Number((await receiver.next('publish'))?.payload))
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })
})

describe('unacknowledged messages', () => {
  it('holds the 101st back until one is acknowledged', async () => {
    const { broker, clock } = await openBroker()
    const receiver = await subscriber(broker.mqttUrl, 'a', 1)
    const sender = await RawMqttClient.connect(broker.mqttUrl)
    const publish = async (from: number, to: number) => {
      for (let id = from; id <= to; id++) sender.publish('a', `${id}`, { qos: 1, messageId: id })
      for (let id = from; id <= to; id++) await sender.next('puback')
      clock.advance(1000)
    }
    await publish(1, 100)
    const got = []
    for (let id = 1; id <= 100; id++) got.push(await receiver.next('publish'))
    await publish(101, 101)
    await receiver.ping()
    expect(receiver.count('publish')).toBe(0)
    receiver.send({ cmd: 'puback', messageId: got[41]!.messageId! })
    expect(String((await receiver.next('publish'))?.payload)).toBe('101')
  })
})

describe('subscriptions', () => {
  it('refuses the 51st of a connection, and takes it when one is given up', async () => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    for (let i = 0; i < 50; i += 5) {
      const filters = Array.from({ length: 5 }, (_, n) => `t/${i + n}`)
      expect(await client.subscribe(filters)).toEqual([0, 0, 0, 0, 0])
    }
    expect(await client.subscribe(['t/49', 't/50'])).toEqual([0, 0x80])
    client.publish('t/50')
    await client.ping()
    expect(client.count('publish')).toBe(0)
    client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['t/0'] })
    await client.next('unsuback')
    expect(await client.subscribe('t/50')).toEqual([0])
  })

  it('takes 8 topic filters in one SUBSCRIBE and refuses all of 9', async () => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    const filters = Array.from({ length: 9 }, (_, n) => `t/${n}`)
    expect(await client.subscribe(filters)).toEqual(Array(9).fill(0x80))
    client.publish('t/0')
    await client.ping()
    expect(client.count('publish')).toBe(0)
    expect(await client.subscribe(filters.slice(1))).toEqual(Array(8).fill(0))
  })

  it('refuses reserved filters', async () => {
    const { broker } = await openBroker()
    const client = await RawMqttClient.connect(broker.mqttUrl)
    expect(await client.subscribe(['$SYS/#', '$share/g/a', 'a'])).toEqual([0x80, 0x80, 0])
  })
})

describe('retained messages', () => {
  it('are kept, one a second for each topic', async () => {
    const { broker, clock } = await openBroker()
    const discards = events(broker, 'discard')
    const client = await RawMqttClient.connect(broker.mqttUrl)
    client.publish('a', 'first', { retain: true })
    client.publish('b', 'other', { retain: true })
    await client.ping()
    clock.advance(999)
    client.publish('a', 'second', { retain: true })
    await client.ping()
    expect(discards).toMatchObject([{ direction: 'in', topic: 'a', reason: 'retain-rate' }])
    expect(String((await (await subscriber(broker.mqttUrl, 'a')).next('publish'))?.payload)).toBe('first')
    clock.advance(1)
    client.publish('a', 'third', { retain: true })
    await client.ping()
    expect(String((await (await subscriber(broker.mqttUrl, 'a')).next('publish'))?.payload)).toBe('third')
  })
})
