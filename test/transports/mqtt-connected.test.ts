import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock, settle } from '../support/manual-clock.js'
import { CLIENTS } from './clients.js'
import { failure, stub } from './inbox.js'
import { connected, type Peer, RUBBISH, ScriptedBroker } from './scripted-broker.js'

describe.each(CLIENTS)('$client', ({ make }) => {
  test.each(RUBBISH)('ends a connection on which %s arrives', async (_what, bytes) => {
    await using broker = await ScriptedBroker.listen()
    const { connection, peer } = await connected(broker, make)
    peer.socket.write(bytes)
    expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })
    await peer.ended
    await connection.close()
  })

  test.each([
    ['ends its half', (peer: Peer) => void peer.socket.end()],
    ['resets', (peer: Peer) => void peer.socket.resetAndDestroy()],
  ])('ends when the broker %s', async (_how, end) => {
    await using broker = await ScriptedBroker.listen()
    const { connection, peer } = await connected(broker, make)
    end(peer)
    expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })
    expect(await failure(connection.send(stub, Buffer.from('x')))).toMatchObject({ code: 'UNREACHABLE' })
  })

  test('says goodbye when it closes, and delivers nothing after', async () => {
    await using broker = await ScriptedBroker.listen()
    const { connection, inbox, peer } = await connected(broker, make)
    const closing = connection.close()
    peer.send({
      cmd: 'publish',
      topic: 'lambda-tether/x',
      payload: 'late',
      qos: 0,
      dup: false,
      retain: false,
    })
    await peer.next('disconnect')
    await closing
    expect(await connection.closed).toBeUndefined()
    // It came before the end of the broker's half, for which closing has waited.
    expect(inbox.size).toBe(0)
  })

  test('is closed in a second even if the broker does not take its leave', async () => {
    await using broker = await ScriptedBroker.listen()
    const clock = new ManualClock()
    const { connection, peer } = await connected(broker, make, { clock })
    peer.socket.allowHalfOpen = true
    const closing = connection.close()
    await peer.next('disconnect')
    await clock.advance(1_000)
    await closing
    expect(await connection.closed).toBeUndefined()
  })

  test('a send waits while the broker takes no bytes', async () => {
    const warnings: Error[] = []
    const warn = (warning: Error) => warnings.push(warning)
    process.on('warning', warn)
    onTestFinished(() => void process.off('warning', warn))
    await using broker = await ScriptedBroker.listen()
    const { connection, peer } = await connected(broker, make)
    peer.socket.pause()
    const frame = Buffer.alloc(20_000, 1)
    // More than any socket's buffers hold, and more sends than any emitter takes listeners.
    const sent = Array.from({ length: 1_100 }, () => connection.send(stub, frame))
    const aborting = new AbortController()
    const aborted = failure(connection.send(stub, frame, { signal: aborting.signal }))
    aborting.abort()
    expect(await aborted).toMatchObject({ code: 'ABORTED' })
    let taken = false
    void sent.at(-1)!.then(() => {
      taken = true
    })
    await settle()
    expect(taken).toBe(false)

    peer.socket.resume()
    await Promise.all(sent)
    for (let i = 0; i < 1_101; i++) expect((await peer.next('publish')).payload).toHaveLength(20_000)
    peer.socket.destroy()
    await connection.closed
    expect(warnings).toEqual([])
  })

  const ENDS: readonly (readonly [string, string, (peer: Peer, close: () => Promise<void>) => void])[] = [
    ['the broker goes', 'UNREACHABLE', (peer) => peer.socket.resetAndDestroy()],
    ['the broker ends its half and reads no more', 'UNREACHABLE', (peer) => peer.socket.end()],
    ['it is closed', 'CLOSED', (_peer, close) => void close()],
  ]

  test.each(ENDS)('a waiting send ends when %s', async (_what, code, end) => {
    await using broker = await ScriptedBroker.listen()
    const clock = new ManualClock()
    const { connection, peer } = await connected(broker, make, { clock })
    peer.socket.pause()
    const sends = Array.from({ length: 200 }, () => connection.send(stub, Buffer.alloc(100_000)))
    const failed = failure(sends.at(-1)!)
    const all = Promise.allSettled(sends)
    end(peer, () => connection.close())
    if (code === 'CLOSED') await clock.advance(1_000)
    expect(await failed).toMatchObject({ code })
    await all
    await connection.closed
  })

  test('takes a peer that answers no ping for dead', async () => {
    await using broker = await ScriptedBroker.listen()
    const { connection, peer } = await connected(broker, make, { keepAliveSeconds: 1 })
    await peer.next('pingreq')
    expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })
    await peer.ended
  })
})
