import { describe, expect, onTestFinished, test } from 'vitest'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import type { MqttOptions } from '../../src/transports/mqtt.js'
import { ManualClock } from '../support/manual-clock.js'
import { failure, Inbox, stub } from './inbox.js'
import { connected, ScriptedBroker } from './scripted-broker.js'

describe('mqttLight on a clock', () => {
  async function idle(options: Partial<MqttOptions> = {}) {
    const broker = await ScriptedBroker.listen()
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const clock = new ManualClock()
    const parts = await connected(broker, mqttLight, { clock, keepAliveSeconds: 60, ...options })
    return { ...parts, clock }
  }

  test('pings an idle broker within every keep-alive, for as long as it answers', async () => {
    const { connection, inbox, peer, clock } = await idle()
    for (let minute = 0; minute < 5; minute++) {
      await clock.advance(60_000)
      await peer.next('pingreq')
      peer.send({ cmd: 'pingresp' })
      // When this is here, the answer is, too.
      peer.send({ cmd: 'publish', topic: 't', payload: 'tick', qos: 0, dup: false, retain: false })
      expect(await inbox.text()).toBe('tick')
    }
    peer.socket.destroy()
    await connection.closed
  })

  test('lets a peer be dead after one and a half keep-alives of silence, not before', async () => {
    const { connection, peer, clock } = await idle()
    let over = false
    void connection.closed.then(() => {
      over = true
    })
    await clock.advance(89_999)
    expect(over).toBe(false)
    await clock.advance(30_001)
    expect(await connection.closed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/silent for 90 s/),
    })
    await peer.ended
    expect(clock.pending).toBe(0)
  })

  test.each([
    [1, /does not speak MQTT 3\.1\.1/],
    [2, /client id/],
    [3, /unavailable/],
    [4, /wrong user name or password/],
    [5, /not authorized/],
    [99, /unknown reason \(code 99\)/],
  ])('names a CONNACK of %i', async (returnCode, message) => {
    await using broker = await ScriptedBroker.listen()
    const failed = failure(mqttLight({ url: broker.url }).connect(stub, new Inbox()))
    const peer = await broker.accept()
    await peer.next('connect')
    peer.send({ cmd: 'connack', returnCode, sessionPresent: false })
    expect(await failed).toMatchObject({ code: 'UNREACHABLE', message: expect.stringMatching(message) })
  })

  test('keeps no packet that announces more than any frame has', async () => {
    const { connection, peer } = await idle()
    // 200 MB are announced and never sent.
    peer.socket.write(Buffer.from([0x30, 0x80, 0x84, 0xaf, 0x5f]))
    expect(await connection.closed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/which exceeds 16777216/),
    })
  })
})
