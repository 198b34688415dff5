import { describe, expect, onTestFinished, test } from 'vitest'
import { LANES } from '../../src/core/contracts/transport.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { CLIENTS } from './clients.js'
import { failure, Inbox, session, stub } from './inbox.js'
import { type Peer, ScriptedBroker } from './scripted-broker.js'

const ALL = Array.from({ length: LANES }, (_, lane) => lane)
const filter = (lane: number | '+') => `lambda-tether/shop/dev/session/default/${lane}`

describe.each(CLIENTS.filter(({ client }) => client !== 'mqttLight'))('serve(): $client', ({ make }) => {
  async function connected(lane?: number) {
    const broker = await ScriptedBroker.listen()
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const self = lane === undefined ? session : { ...session, lane }
    const connecting = make({ url: broker.url }).connect(self, new Inbox(), { watch: [session] })
    const peer = await broker.accept()
    await peer.admit()
    return { connection: await connecting, peer }
  }

  test('subscribes to at most eight new lanes per packet, then drops the filter for all lanes', async () => {
    const { connection, peer } = await connected()
    const serving = connection.serve!(ALL.slice(1))
    expect(await grant(peer)).toEqual(ALL.slice(1, 9).map(filter))
    expect(await grant(peer)).toEqual(ALL.slice(9).map(filter))
    expect(await release(peer)).toEqual([filter('+')])
    await serving
    peer.socket.destroy()
  })

  test('waits for every answer before the next packet', async () => {
    const { connection, peer } = await connected()
    let done = false
    const serving = connection.serve!([3])
    void serving.then(() => {
      done = true
    })
    const { messageId } = await peer.next('subscribe')
    // What would come before the answer would be this packet.
    await connection.send(stub, Buffer.from('between'))
    await peer.next('publish')
    peer.send({ cmd: 'suback', messageId: messageId!, granted: [0] })
    const { messageId: second } = await peer.next('unsubscribe')
    await connection.send(stub, Buffer.from('between'))
    await peer.next('publish')
    expect(done).toBe(false)
    peer.send({ cmd: 'unsuback', messageId: second!, granted: [0] })
    await serving
    peer.socket.destroy()
  })

  test('subscribes to all lanes by one filter, and sends nothing for its current lanes', async () => {
    const { connection, peer } = await connected(5)
    let serving = connection.serve!([5, 5])
    await serving
    serving = connection.serve!([...ALL].reverse())
    expect(await grant(peer)).toEqual([filter('+')])
    expect(await release(peer)).toEqual([filter(5)])
    await serving
    peer.socket.destroy()
  })

  test('keeps its lanes when refused, names the filter, and continues from the granted lanes', async () => {
    const { connection, peer } = await connected()
    const failed = failure(connection.serve!(ALL.slice(0, 10)))
    await grant(peer)
    const { messageId } = await peer.next('subscribe')
    peer.send({ cmd: 'suback', messageId: messageId!, granted: [0, 0x80] })
    expect(await failed).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining(`'${filter(9)}'`),
    })
    const serving = connection.serve!([7, 8])
    expect(await grant(peer)).toEqual([filter(8)])
    expect(await release(peer)).toEqual([filter('+'), ...ALL.slice(0, 7).map(filter)])
    await serving
    peer.socket.destroy()
  })

  test('starts from the result of the previous call when calls overlap', async () => {
    const { connection, peer } = await connected()
    const serving = [connection.serve!([1]), connection.serve!(ALL), connection.serve!([1, 2])]
    expect(await grant(peer)).toEqual([filter(1)])
    expect(await release(peer)).toEqual([filter('+')])
    expect(await grant(peer)).toEqual([filter('+')])
    expect(await release(peer)).toEqual([filter(1)])
    expect(await grant(peer)).toEqual([filter(1), filter(2)])
    expect(await release(peer)).toEqual([filter('+')])
    await Promise.all(serving)
    peer.socket.destroy()
  })

  test('fails when the connection ends before the answer', async () => {
    const { connection, peer } = await connected()
    const failed = failure(connection.serve!([1]))
    await peer.next('subscribe')
    peer.socket.destroy()
    expect(await failed).toMatchObject({ code: 'UNREACHABLE' })
  })

  test('fails with CLOSED when close() is called before the answer', async () => {
    const { connection, peer } = await connected()
    const failed = failure(connection.serve!([1]))
    await peer.next('subscribe')
    const closing = connection.close()
    expect(await failed).toMatchObject({ code: 'CLOSED' })
    await peer.ended
    await closing
  })

  test('is absent on a stub', async () => {
    const broker = await ScriptedBroker.listen()
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const connecting = make({ url: broker.url }).connect(stub, new Inbox())
    const peer = await broker.accept()
    await peer.admit()
    const connection = await connecting
    expect([connection.serve, connection.keep]).toEqual([undefined, undefined])
    peer.socket.destroy()
  })
})

test('an unsolicited UNSUBACK ends the small client', async () => {
  await using broker = await ScriptedBroker.listen()
  const connecting = mqttLight({ url: broker.url }).connect(stub, new Inbox())
  const peer = await broker.accept()
  await peer.admit()
  const connection = await connecting
  peer.send({ cmd: 'unsuback', messageId: 1 } as never)
  expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })
})

test('serve(): names a lane that an MQTT 5 broker refuses to unsubscribe, not a lane without a subscription', async () => {
  await using broker = await ScriptedBroker.listen()
  const transport = mqtt({ url: broker.url, protocolVersion: 5 })
  const connecting = transport.connect({ ...session, lane: 1 }, new Inbox())
  const peer = await broker.accept()
  await peer.admit()
  const connection = await connecting
  const failed = failure(connection.serve!([]))
  const { messageId } = await peer.next('unsubscribe')
  peer.send({ cmd: 'unsuback', messageId: messageId!, granted: [0x87] } as never)
  expect(await failed).toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining(`'${filter(1)}'`),
  })
  const serving = connection.serve!([])
  const { messageId: second } = await peer.next('unsubscribe')
  peer.send({ cmd: 'unsuback', messageId: second!, granted: [0x11] } as never)
  await serving
  await connection.close()
})

/** Grants what the client asks for; which filters these are. */
async function grant(peer: Peer): Promise<string[]> {
  const { messageId, subscriptions } = await peer.next('subscribe')
  peer.send({ cmd: 'suback', messageId: messageId!, granted: subscriptions.map(() => 0) })
  return subscriptions.map(({ topic }) => topic)
}

/** Confirms what the client gives up; which filters these are. */
async function release(peer: Peer): Promise<string[]> {
  const { messageId, unsubscriptions } = await peer.next('unsubscribe')
  peer.send({ cmd: 'unsuback', messageId: messageId!, granted: unsubscriptions.map(() => 0) })
  return unsubscriptions
}
