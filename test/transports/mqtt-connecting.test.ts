import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { clientIdPrefix } from '../../src/transports/mqtt/topics.js'
import { freePort } from '../support/free-port.js'
import { ManualClock } from '../support/manual-clock.js'
import { CLIENTS } from './clients.js'
import { failure, Inbox, session, stub } from './inbox.js'
import { type Peer, RUBBISH, ScriptedBroker } from './scripted-broker.js'

describe.each(CLIENTS)('$client', ({ client, make }) => {
  test('connects once, with a clean session, an id of its own, no will, and one subscription at QoS 0', async () => {
    await using broker = await ScriptedBroker.listen()
    const ids = new Set<string>()
    for (const self of [stub, stub, session]) {
      const connecting = make({
        url: broker.url,
        username: 'user',
        password: 'word',
        keepAliveSeconds: 77,
      }).connect(self, new Inbox())
      const peer = await broker.accept()
      const { connect, subscribe } = await peer.admit()
      await using _connection = await connecting
      expect(connect).toMatchObject({ clean: true, keepalive: 77, username: 'user' })
      expect(String(connect.password)).toBe('word')
      expect(connect.will).toBeUndefined()
      expect(connect.protocolVersion).toBe(client.endsWith('5') ? 5 : 4)
      expect(connect.clientId).toMatch(new RegExp(`^${clientIdPrefix(self)}[0-9a-f]{32}$`))
      ids.add(connect.clientId)
      expect(subscribe.subscriptions).toMatchObject([
        {
          topic: `lambda-tether/shop/dev/${self === stub ? 'stub/environment-1_________' : 'session/default/+'}`,
          qos: 0,
        },
      ])
      peer.socket.destroy()
    }
    expect(ids.size).toBe(3)
    expect(broker.connections).toBe(3)
  })

  test('waits for the subscription before it is connected', async () => {
    await using broker = await ScriptedBroker.listen()
    let done = false
    const connecting = make({ url: broker.url }).connect(stub, new Inbox())
    void connecting.then(() => {
      done = true
    })
    const peer = await broker.accept()
    await peer.next('connect')
    peer.accept()
    const { messageId } = await peer.next('subscribe')
    expect(done).toBe(false)
    peer.send({ cmd: 'suback', messageId: messageId!, granted: [0] })
    await (await connecting).close()
  })

  test.each([
    ['closed port', async () => `mqtt://127.0.0.1:${await freePort()}`, /ECONNREFUSED/],
    ['closed port of a WebSocket', async () => `ws://127.0.0.1:${await freePort()}/mqtt`, /ECONNREFUSED/],
    ['name that does not exist', async () => 'mqtt://broker.invalid', /ENOTFOUND|EAI_AGAIN/],
  ])('calls a %s UNREACHABLE, and says which broker', async (_what, makeUrl, message) => {
    const url = await makeUrl()
    const error = await failure(make({ url }).connect(stub, new Inbox()))
    expect(error).toMatchObject({ code: 'UNREACHABLE', message: expect.stringMatching(message) })
    expect(error.message).toContain(new URL(url).host)
  })

  const SILENCES: readonly (readonly [string, string, (peer: Peer) => Promise<unknown>])[] = [
    ['after TCP', 'mqtt:', (peer) => peer.next('connect')],
    [
      'after CONNACK',
      'mqtt:',
      async (peer) => {
        await peer.next('connect')
        peer.accept()
        await peer.next('subscribe')
      },
    ],
    ['in the TLS greeting', 'mqtts:', (peer) => once(peer.socket, 'data')],
    ['in the WebSocket upgrade', 'ws:', (peer) => once(peer.socket, 'data')],
  ]

  describe.each(SILENCES)('a server silent %s', (_when, protocol, until) => {
    test('is UNREACHABLE when the time is up, and nothing is left open', async () => {
      await using broker = await ScriptedBroker.listen()
      const clock = new ManualClock()
      const url = broker.url.replace('mqtt:', protocol)
      const failed = failure(make({ url, clock, connectTimeoutMs: 700 }).connect(stub, new Inbox()))
      const peer = await broker.accept()
      await until(peer)
      await clock.advance(699)
      expect(peer.socket.readableEnded).toBe(false)
      await clock.advance(1)
      expect(await failed).toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringMatching(/no connection within 700 ms/),
      })
      await peer.ended
      expect(clock.pending).toBe(0)
    })

    test('is left as soon as the signal fires', async () => {
      await using broker = await ScriptedBroker.listen()
      const clock = new ManualClock()
      const url = broker.url.replace('mqtt:', protocol)
      const aborting = new AbortController()
      const failed = failure(make({ url, clock }).connect(stub, new Inbox(), { signal: aborting.signal }))
      const peer = await broker.accept()
      await until(peer)
      aborting.abort(new Error('enough'))
      expect(await failed).toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
      await peer.ended
      expect(clock.pending).toBe(0)
    })
  })

  test('does not begin with a signal that has fired', async () => {
    await using broker = await ScriptedBroker.listen()
    const signal = AbortSignal.abort()
    expect(await failure(make({ url: broker.url }).connect(stub, new Inbox(), { signal }))).toMatchObject({
      code: 'ABORTED',
    })
    expect(broker.connections).toBe(0)
  })

  test('forgets a signal once it is connected', async () => {
    await using broker = await ScriptedBroker.listen()
    const aborting = new AbortController()
    const connecting = make({ url: broker.url }).connect(stub, new Inbox(), { signal: aborting.signal })
    const peer = await broker.accept()
    await peer.admit()
    await using connection = await connecting
    aborting.abort()
    await connection.send(stub, Buffer.from('still here'))
    expect(String((await peer.next('publish')).payload)).toBe('still here')
    peer.socket.destroy()
  })

  test('says that the subscription was refused', async () => {
    await using broker = await ScriptedBroker.listen()
    const failed = failure(make({ url: broker.url }).connect(stub, new Inbox()))
    const peer = await broker.accept()
    await peer.next('connect')
    peer.accept()
    const { messageId } = await peer.next('subscribe')
    peer.send({ cmd: 'suback', messageId: messageId!, granted: [0x80] })
    expect(await failed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/subscri|refused|error/i),
    })
    await peer.ended
  })

  test.each([
    ['before CONNACK', async (peer: Peer) => void (await peer.next('connect'))],
    ['at once', async () => {}],
  ])('calls a server UNREACHABLE that hangs up %s', async (_when, until) => {
    await using broker = await ScriptedBroker.listen()
    const failed = failure(make({ url: broker.url }).connect(stub, new Inbox()))
    const peer = await broker.accept()
    await until(peer)
    peer.socket.end()
    expect(await failed).toMatchObject({ code: 'UNREACHABLE' })
  })

  test.each(RUBBISH)('is unimpressed by %s in place of a CONNACK', async (_what, bytes) => {
    await using broker = await ScriptedBroker.listen()
    const failed = failure(make({ url: broker.url }).connect(stub, new Inbox()))
    const peer = await broker.accept()
    await peer.next('connect')
    peer.socket.write(bytes)
    expect(await failed).toMatchObject({ code: 'UNREACHABLE' })
    await peer.ended
  })
})
