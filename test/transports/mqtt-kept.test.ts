import { describe, expect, onTestFinished, test } from 'vitest'
import type { ConnectOptions, Endpoint } from '../../src/index.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { type MqttOptions, mqtt } from '../../src/transports/mqtt.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { CLIENTS } from './clients.js'
import { failure, Inbox, session, stub } from './inbox.js'
import { ScriptedBroker } from './scripted-broker.js'

const KEPT = 'lambda-tether/shop/dev/presence/default'
const will = Buffer.from([1, 0, 255])
const VERSIONS = CLIENTS.filter(({ client }) => client !== 'mqttLight')

async function listen(): Promise<ScriptedBroker> {
  const broker = await ScriptedBroker.listen()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return broker
}

/** A broker that accepts the client, and what the client asked of it. */
async function admitted(
  make: (typeof CLIENTS)[number]['make'],
  self: Endpoint,
  connectOptions: ConnectOptions,
  options: Partial<MqttOptions> = {},
) {
  const broker = await listen()
  const inbox = new Inbox()
  const connecting = make({ url: broker.url, ...options }).connect(self, inbox, connectOptions)
  const peer = await broker.accept()
  const { connect, subscribe } = await peer.admit()
  return { connection: await connecting, inbox, peer, connect, subscribe }
}

describe.each(CLIENTS)('retained presence: $client', ({ client, make }) => {
  test('is watched in the only SUBSCRIBE', async () => {
    for (const self of [session, stub]) {
      const { subscribe, peer } = await admitted(make, self, { watch: [session] })
      expect(subscribe.subscriptions.map(({ topic, qos }) => [topic, qos])).toEqual([
        [expect.stringMatching(/\/(session\/default\/\+|stub\/environment-1_________)$/), 0],
        [KEPT, 0],
      ])
      peer.socket.destroy()
    }
  })

  test('is distinguished from frames by its topic, retained or not; an empty message is ignored', async () => {
    const { peer, inbox, subscribe } = await admitted(make, stub, { watch: [session] })
    const own = subscribe.subscriptions[0]!.topic
    const packet = { cmd: 'publish', qos: 0, dup: false } as const
    peer.send({ ...packet, topic: KEPT, payload: Buffer.alloc(0), retain: false })
    peer.send({ ...packet, topic: KEPT, payload: 'before', retain: true })
    peer.send({ ...packet, topic: KEPT, payload: 'changed', retain: false })
    peer.send({ ...packet, topic: own, payload: 'retained by somebody', retain: true })
    peer.send({ ...packet, topic: own, payload: 'frame', retain: false })
    expect([await inbox.text(), await inbox.text()]).toEqual(['retained by somebody', 'frame'])
    expect(inbox.kept.map((frame) => Buffer.from(frame).toString())).toEqual(['before', 'changed'])
    peer.socket.destroy()
  })

  test(
    client === 'mqttLight' ? 'needs no will: a stub has none' : 'has a will, which is retained',
    async () => {
      const { connect, peer } = await admitted(make, session, { watch: [session], will })
      if (client === 'mqttLight') expect(connect.will).toBeUndefined()
      else expect(connect.will).toMatchObject({ topic: KEPT, payload: will, qos: 0, retain: true })
      peer.socket.destroy()
    },
  )
})

describe.each(VERSIONS)('a session: $client', ({ make }) => {
  test('keeps with a retained message at QoS 0, and closes with a DISCONNECT', async () => {
    const { connection, peer } = await admitted(make, session, { will })
    await connection.keep!(Buffer.from('here'))
    expect(await peer.next('publish')).toMatchObject({
      topic: KEPT,
      payload: Buffer.from('here'),
      qos: 0,
      retain: true,
    })
    const closing = connection.close()
    await peer.next('disconnect')
    await peer.ended
    await closing
  })

  test('sends frames that are not retained', async () => {
    const { connection, peer } = await admitted(make, session, { will })
    await connection.send(stub, Buffer.from('frame'))
    expect(await peer.next('publish')).toMatchObject({ retain: false, qos: 0 })
    peer.socket.destroy()
  })

  test('has no will, and watches and retains nothing when `presence` is false', async () => {
    const options = { presence: false }
    const { connection, connect, subscribe, peer } = await admitted(
      make,
      session,
      { watch: [session], will },
      options,
    )
    expect(connect.will).toBeUndefined()
    expect(subscribe.subscriptions).toHaveLength(1)
    expect(connection.keep).toBeUndefined()
    expect(make({ url: 'mqtt://localhost', presence: false }).keeps).toBeUndefined()
    expect(make({ url: 'mqtt://localhost' }).keeps).toEqual({ everyMs: 0 })
    peer.socket.destroy()
  })

  // The codes of 3.1.1 and 5: each says what is wrong, and that is not the retained will.
  test.each([
    [1, 0x84, /MQTT 3\.1\.1/],
    [2, 0x85, /client ids that begin with 'lt-[0-9a-f]{16}-session-'/],
    [4, 0x86, /'username' and 'password'/],
    [5, 0x87, /access list allows messages to 'lambda-tether\/shop\/dev\/presence\/default'/],
  ])('explains a CONNACK of %i without blaming presence', async (returnCode, reasonCode, words) => {
    const broker = await listen()
    const failed = failure(make({ url: broker.url }).connect(session, new Inbox(), { will }))
    const peer = await broker.accept()
    await peer.next('connect')
    peer.send({ cmd: 'connack', returnCode, reasonCode, sessionPresent: false })
    expect(await failed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(words),
      details: { during: 'connect' },
    })
    expect((await failed).message).not.toContain("'presence'")
  })

  test('names the option when the broker ends the connection at CONNECT', async () => {
    const broker = await listen()
    const failed = failure(make({ url: broker.url }).connect(session, new Inbox(), { will }))
    const peer = await broker.accept()
    await peer.next('connect')
    peer.socket.end()
    expect(await failed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/at CONNECT.*'presence' to false/),
    })
  })

  test('names filter and option when it is not allowed to watch', async () => {
    const broker = await listen()
    const failed = failure(make({ url: broker.url }).connect(session, new Inbox(), { watch: [session] }))
    const peer = await broker.accept()
    await peer.next('connect')
    peer.accept()
    const { messageId } = await peer.next('subscribe')
    peer.send({ cmd: 'suback', messageId: messageId!, granted: [0, 0x80] })
    const { code, message } = await failed
    expect(code).toBe('UNREACHABLE')
    expect(message).toContain(KEPT)
    expect(message).toContain("'presence' to false")
  })
})

test('a stub connects even when it is not allowed to watch: it relies on silence instead', async () => {
  const broker = await listen()
  const inbox = new Inbox()
  const connecting = mqttLight({ url: broker.url }).connect(stub, inbox, { watch: [session] })
  const peer = await broker.accept()
  await peer.next('connect')
  peer.accept()
  const { messageId, subscriptions } = await peer.next('subscribe')
  peer.send({ cmd: 'suback', messageId: messageId!, granted: [0, 0x80] })
  const connection = await connecting
  const { topic } = subscriptions[0]!
  peer.send({ cmd: 'publish', topic, payload: 'frame', qos: 0, dup: false, retain: false })
  expect(await inbox.text()).toBe('frame')
  expect(connection.keep).toBeUndefined()
  await connection.close()
})

describe('a stub with a connection that is cut at SUBSCRIBE', () => {
  const OWN = 'lambda-tether/shop/dev/stub/environment-1_________'

  /** Cuts the connection between CONNACK and SUBACK. */
  async function cut(broker: ScriptedBroker): Promise<readonly string[]> {
    const peer = await broker.accept()
    await peer.next('connect')
    peer.accept()
    const { subscriptions } = await peer.next('subscribe')
    peer.socket.end()
    return subscriptions.map(({ topic }) => topic)
  }

  test('connects without presence, and subscribes to it again the next time', async () => {
    const broker = await listen()
    const transport = mqttLight({ url: broker.url })
    for (let round = 0; round < 2; round++) {
      const inbox = new Inbox()
      const connecting = transport.connect(stub, inbox, { watch: [session] })
      expect(await cut(broker)).toEqual([OWN, KEPT])
      const peer = await broker.accept()
      const { subscribe } = await peer.admit()
      expect(subscribe.subscriptions.map(({ topic }) => topic)).toEqual([OWN])
      const connection = await connecting
      peer.send({ cmd: 'publish', topic: OWN, payload: 'frame', qos: 0, dup: false, retain: false })
      expect(await inbox.text()).toBe('frame')
      await connection.close()
    }
  })

  test('names the topics of its SUBSCRIBE when that does not help', async () => {
    const broker = await listen()
    const failed = failure(mqttLight({ url: broker.url }).connect(stub, new Inbox(), { watch: [session] }))
    await cut(broker)
    await cut(broker)
    expect(await failed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(`asked for '${OWN}' and '${KEPT}'`),
      details: { during: 'subscribe', topics: [OWN, KEPT] },
    })
    expect(broker.connections).toBe(2)
  })

  test('does not connect without presence when a session connects', async () => {
    const broker = await listen()
    const failed = failure(mqtt({ url: broker.url }).connect(session, new Inbox(), { watch: [session] }))
    const own = 'lambda-tether/shop/dev/session/default/+'
    expect(await cut(broker)).toEqual([own, KEPT])
    expect(await failed).toMatchObject({
      message: expect.stringContaining(`asked for '${own}' and '${KEPT}'`),
      details: { during: 'subscribe' },
    })
    expect(broker.connections).toBe(1)
  })
})

test.each([0, 'no', null])("refuses 'presence' of %j", (presence) => {
  expect(() => mqtt({ url: 'mqtt://localhost', presence: presence as unknown as boolean })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining("'presence'") }),
  )
})

describe('MQTT 5', () => {
  test.each<[string, object]>([
    ['refuses a retained will', { reasonCode: 0x9a }],
    ['says at CONNACK that it retains nothing', { reasonCode: 0, properties: { retainAvailable: false } }],
  ])('names the option to a broker that %s', async (_what, connack) => {
    const broker = await listen()
    const transport = mqtt({ url: broker.url, protocolVersion: 5 })
    const failed = failure(transport.connect(session, new Inbox(), { will }))
    const peer = await broker.accept()
    await peer.next('connect')
    peer.send({ cmd: 'connack', returnCode: 0, sessionPresent: false, ...connack } as never)
    expect(await failed).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining("'presence' to false"),
    })
  })
})

describe.skipIf(!mosquitto)('Mosquitto without retained messages (needs Mosquitto)', () => {
  test.each([
    [4, 'UNREACHABLE'],
    [5, 'INVALID_OPTION'],
  ] as const)('names the option in MQTT %i, and serves without it', async (protocolVersion, code) => {
    await using broker = await startMosquitto({ settings: ['retain_available false'] })
    const options = { url: broker.url, protocolVersion }
    const keep = { watch: [session], will }
    const failed = await failure(mqtt(options).connect(session, new Inbox(), keep))
    expect(failed).toMatchObject({ code, message: expect.stringContaining("'presence' to false") })
    const inbox = new Inbox()
    await using connection = await mqtt({ ...options, presence: false }).connect(session, inbox, keep)
    await using remote = await mqttLight({ url: broker.url }).connect(stub, new Inbox(), { watch: [session] })
    await remote.send(session, Buffer.from('frame'))
    expect(await inbox.text()).toBe('frame')
    expect(connection.keep).toBeUndefined()
  })
})
