import assert from 'node:assert/strict'
import { TetherError } from '../../core/base/errors.js'
import { makeFrame } from './peer.js'
import type { TransportTest } from './trial.js'

export const connectingTests: readonly TransportTest[] = [
  {
    name: 'a frame sent as soon as connect() has resolved arrives',
    async run(trial) {
      const sender = await trial.connect(trial.endpoint('session'))
      for (const name of ['first', 'second', 'third']) {
        const receiver = await trial.connect(trial.endpoint('stub', { name }))
        await sender.send(receiver.self, makeFrame(name))
        await receiver.receives(makeFrame(name))
      }
    },
  },
  {
    name: 'connect() with an aborted signal rejects with ABORTED',
    async run(trial) {
      const peer = trial.peer(trial.endpoint('stub'))
      const connecting = trial.transport.connect(peer.self, peer, { signal: AbortSignal.abort() })
      await trial.rejects('connect()', connecting, 'ABORTED')
    },
  },
  {
    name: 'connect() settles when its signal is aborted meanwhile',
    async run(trial) {
      const peer = trial.peer(trial.endpoint('stub'))
      const aborting = new AbortController()
      const attached = trial.attach(
        peer,
        trial.transport.connect(peer.self, peer, { signal: aborting.signal }),
      )
      aborting.abort()
      try {
        await attached
      } catch (error) {
        // It may have been connected already; else this is the only answer.
        assert(error instanceof TetherError && error.code === 'ABORTED', String(error))
      }
    },
  },
  {
    name: 'an aborted connect() receives nothing',
    async run(trial) {
      const aborted = trial.peer(trial.endpoint('stub'))
      const aborting = new AbortController()
      const connecting = trial.transport.connect(aborted.self, aborted, { signal: aborting.signal })
      aborting.abort()
      const connection = await trial.patience.within(
        'connect() did not settle',
        connecting.catch(() => undefined),
      )
      await connection?.close()
      const { sender, receiver } = await trial.pair(aborted.self)
      await sender.send(receiver.self, makeFrame('after'))
      await receiver.receives(makeFrame('after'))
      aborted.receivedOnly()
    },
  },
  {
    name: 'aborting the signal after connect() does not close the connection',
    async run(trial) {
      const aborting = new AbortController()
      const receiver = await trial.connect(trial.endpoint('stub'), { signal: aborting.signal })
      const sender = await trial.connect(trial.endpoint('session'), { signal: aborting.signal })
      aborting.abort()
      await sender.send(receiver.self, makeFrame('after'))
      await receiver.receives(makeFrame('after'))
    },
  },
  {
    name: 'an endpoint can be connected again after close()',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      await receiver.close()
      const again = await trial.connect(receiver.self)
      await sender.send(again.self, makeFrame('again'))
      await again.receives(makeFrame('again'))
    },
  },
  {
    name: 'expiresAt, if set, is a future time in Unix milliseconds',
    async run(trial) {
      const { connection } = await trial.connect(trial.endpoint('stub'))
      const { expiresAt = Number.MAX_SAFE_INTEGER } = connection
      assert(Number.isFinite(expiresAt) && expiresAt > Date.now(), `expiresAt is ${expiresAt}.`)
    },
  },
]
