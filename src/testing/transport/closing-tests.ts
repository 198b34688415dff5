import assert from 'node:assert/strict'
import { TetherError } from '../../core/base/errors.js'
import { makeFrame, type Peer } from './peer.js'
import { type TransportTest, turn } from './trial.js'

export const transportClosingTests: readonly TransportTest[] = [
  {
    name: 'closed is pending while the connection is open',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      await sender.send(receiver.self, makeFrame('alive'))
      await receiver.receives(makeFrame('alive'))
      for (const peer of [sender, receiver]) assert(!(await hasClosed(peer)), 'closed resolved by itself.')
    },
  },
  {
    name: 'closed has resolved with undefined when close() resolves',
    async run(trial) {
      const peer = await trial.connect(trial.endpoint('stub'))
      await peer.close()
      assert(await hasClosed(peer), 'close() resolved and closed did not.')
      assert.equal(await peer.connection.closed, undefined)
    },
  },
  {
    name: 'close() may be repeated, also concurrently',
    async run(trial) {
      const peer = await trial.connect(trial.endpoint('stub'))
      await Promise.all([peer.close(), peer.close()])
      await peer.close()
      assert.equal(await peer.within('closed did not resolve', peer.connection.closed), undefined)
    },
  },
  {
    name: 'await using closes the connection',
    async run(trial) {
      const peer = await trial.connect(trial.endpoint('stub'))
      const disposed = Promise.resolve(peer.connection[Symbol.asyncDispose]())
      await peer.within('[Symbol.asyncDispose]() did not resolve', disposed)
      assert(await hasClosed(peer), '[Symbol.asyncDispose]() left the connection open.')
    },
  },
  {
    name: 'send() after close() rejects with CLOSED',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      await sender.close()
      await trial.rejects('send()', sender.send(receiver.self, makeFrame('late')), 'CLOSED')
    },
  },
  {
    name: 'nothing arrives after close()',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const witness = await trial.connect(receiver.self)
      for (const index of [0, 1, 2, 3]) await sender.send(receiver.self, makeFrame(`before ${index}`))
      await receiver.close()
      const before = receiver.frames.length
      await sender.send(receiver.self, makeFrame('late'))
      await witness.receives(makeFrame('late'))
      assert.equal(receiver.frames.length, before, 'onFrame was called after close() had resolved.')
    },
  },
  {
    name: 'frames sent before close() arrive',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const frames = [64, 1_024, 65_536].map((bytes) => makeFrame('goodbye', bytes))
      for (const frame of frames) await sender.send(receiver.self, frame)
      await sender.close()
      await receiver.receives(...frames)
    },
  },
  {
    name: 'pending sends settle when close() is called',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const sends = [1, 2, 3, 4].map((index) =>
        sender.connection.send(receiver.self, makeFrame(`under way ${index}`, 32_768)),
      )
      const settled = Promise.allSettled(sends)
      await sender.close()
      for (const outcome of await sender.within('send() did not settle', settled)) {
        if (outcome.status === 'rejected')
          assert(outcome.reason instanceof TetherError, String(outcome.reason))
      }
    },
  },
  {
    name: 'close() leaves other connections of the endpoint open',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const other = await trial.connect(receiver.self)
      await receiver.close()
      await sender.send(receiver.self, makeFrame('to the other'))
      await other.receives(makeFrame('to the other'))
      assert(!(await hasClosed(other)), 'The other connection has closed.')
    },
  },
  {
    name: 'closed of a broken connection resolves with a TetherError',
    needs: ['cut'],
    async run(trial) {
      const peers = [
        await trial.connect(trial.endpoint('stub')),
        await trial.connect(trial.endpoint('session')),
      ]
      await trial.cut()
      for (const peer of peers) {
        const reason = await peer.within('closed did not resolve', peer.connection.closed)
        assert(reason instanceof TetherError, `closed resolved with ${String(reason)}.`)
      }
    },
  },
  {
    name: 'send() of a broken connection rejects',
    needs: ['cut'],
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      await trial.cut()
      await sender.within('closed did not resolve', sender.connection.closed)
      await trial.rejects('send()', sender.send(receiver.self, makeFrame('late')), 'UNREACHABLE', 'CLOSED')
    },
  },
  {
    name: 'a broken connection can be closed',
    needs: ['cut'],
    async run(trial) {
      const peer = await trial.connect(trial.endpoint('stub'))
      await trial.cut()
      await peer.within('closed did not resolve', peer.connection.closed)
      await peer.close()
    },
  },
]

/** Whether `closed` has resolved. */
async function hasClosed({ connection }: Peer): Promise<boolean> {
  return Promise.race([connection.closed.then(() => true), turn().then(() => false)])
}
