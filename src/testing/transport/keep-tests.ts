import assert from 'node:assert/strict'
import { defined } from '../../core/base/defined.js'
import { LANES } from '../../core/contracts/transport.js'
import { HOSTILE_NAMES } from './addressing-tests.js'
import { serve } from './lane-tests.js'
import { makeFrame, type Peer } from './peer.js'
import type { TransportTest, TransportTrial } from './trial.js'

const FIRST = makeFrame('kept first')
const SECOND = makeFrame('kept second')
const WILL = makeFrame('will')

export const keepTests: readonly TransportTest[] = [
  {
    name: 'keeps.everyMs is a valid duration',
    needs: ['keep'],
    async run({ transport }) {
      const { everyMs } = transport.keeps ?? {}
      assert(
        Number.isFinite(everyMs) && everyMs! >= 0,
        `keeps.everyMs is ${everyMs}; it must not be under 0.`,
      )
    },
  },
  {
    name: 'a kept frame reaches later watchers unchanged, sessions and stubs',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      const frame = Uint8Array.from({ length: 256 }, (_, byte) => byte)
      await keep(keeper, frame)
      for (const role of ['session', 'stub'] as const) {
        const watcher = await trial.connect(trial.endpoint(role), { watch: [keeper.self] })
        await watcher.hearsKept(frame)
        watcher.heardOnlyKept(frame)
      }
    },
  },
  {
    name: 'a watcher receives each newly kept frame',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      const watcher = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await keep(keeper, FIRST)
      await watcher.hearsKept(FIRST)
      await keepNext(trial, keeper, SECOND)
      await watcher.hearsKept(SECOND)
      watcher.heardOnlyKept(FIRST, SECOND)
    },
  },
  {
    name: 'a watcher of several names receives each frame with its name',
    needs: ['keep'],
    async run(trial) {
      const keepers = [await connectKeeper(trial), await connectKeeper(trial, undefined, 'two')]
      await keep(keepers[0]!, FIRST)
      const watch = keepers.map(({ self }) => self)
      const watcher = await trial.connect(trial.endpoint('stub'), { watch })
      await keep(keepers[1]!, SECOND)
      await watcher.hearsKept(FIRST, SECOND)
      watcher.kept.forEach((frame, at) => {
        const { name } = watch[Buffer.compare(frame, FIRST) === 0 ? 0 : 1]!
        assert.equal(watcher.keptNames[at], name, 'onKept was called with another name.')
      })
    },
  },
  {
    name: 'only the last kept frame remains',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      await keep(keeper, FIRST)
      await keepNext(trial, keeper, SECOND)
      const late = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await late.hearsKept(SECOND)
      late.heardOnlyKept(SECOND)
    },
  },
  {
    name: 'kept frames and sent frames do not mix',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      const watcher = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await keep(keeper, FIRST)
      await watcher.hearsKept(FIRST)
      await watcher.send(keeper.self, makeFrame('to session'))
      await keeper.send(watcher.self, makeFrame('to stub'))
      await keeper.receives(makeFrame('to session'))
      await watcher.receives(makeFrame('to stub'))
      keeper.receivedOnly(makeFrame('to session'))
      watcher.receivedOnly(makeFrame('to stub'))
      for (const peer of [keeper, watcher]) peer.heardOnlyKept(FIRST)
    },
  },
  {
    name: 'a connection that does not watch receives no kept frame',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      const others = [await trial.connect(keeper.self), await trial.connect(trial.endpoint('stub'))]
      await keep(keeper, FIRST)
      others.push(await trial.connect(keeper.self), await trial.connect(trial.endpoint('stub')))
      // By the time that this frame arrives, a misdirected one would have arrived too.
      for (const peer of others) {
        await keeper.send(peer.self, makeFrame('after'))
        await peer.receives(makeFrame('after'))
        peer.receivedOnly(makeFrame('after'))
        peer.heardOnlyKept()
      }
    },
  },
  {
    name: 'each name keeps its own frame, in its app and stage',
    needs: ['keep'],
    async run(trial) {
      const endpoints = [
        trial.endpoint('session'),
        trial.endpoint('session', { app: `${trial.app}-2` }),
        trial.endpoint('session', { stage: 'dev-2' }),
        ...HOSTILE_NAMES.map((name) => trial.endpoint('session', { name })),
      ]
      const frameOf = (index: number) => makeFrame(`kept by ${index}`)
      const watchers: Peer[] = []
      for (const [index, self] of endpoints.entries()) {
        const keeper = await trial.connect(self, { watch: [self] })
        await keep(keeper, frameOf(index))
        watchers.push(keeper, await trial.connect(trial.endpoint('stub'), { watch: [self] }))
        await watchers.at(-1)!.hearsKept(frameOf(index))
      }
      for (const [index, watcher] of watchers.entries()) watcher.heardOnlyKept(frameOf(Math.floor(index / 2)))
    },
  },
  {
    name: 'serve() changes neither the kept frame nor the watched names',
    needs: ['keep', 'serve'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      await serve(keeper, [1])
      await keep(keeper, FIRST)
      await serve(
        keeper,
        Array.from({ length: LANES }, (_, lane) => lane),
      )
      await keepNext(trial, keeper, SECOND)
    },
  },
  {
    name: 'the caller may overwrite its bytes once keep() has resolved',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      const bytes = Uint8Array.from(FIRST)
      await keeper.keep(bytes)
      bytes.fill(0)
      await keeper.hearsKept(FIRST)
      const late = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await late.hearsKept(FIRST)
    },
  },
  {
    name: 'keep() rejects a frame over limits.frameBytes with TOO_LARGE and leaves the kept frame',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      await keep(keeper, FIRST)
      const large = makeFrame('large', trial.transport.limits.frameBytes + 1)
      await trial.rejects('keep()', keeper.keep(large), 'TOO_LARGE')
      const late = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await late.hearsKept(FIRST)
      late.heardOnlyKept(FIRST)
    },
  },
  {
    name: 'keep() after close() rejects with CLOSED',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      await keeper.close()
      await trial.rejects('keep()', keeper.keep(FIRST), 'CLOSED')
    },
  },
  {
    name: 'close() leaves the kept frame',
    needs: ['keep'],
    async run(trial) {
      const keeper = await connectKeeper(trial, WILL)
      const watcher = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await keep(keeper, FIRST)
      await watcher.hearsKept(FIRST)
      await trial.pass(trial.transport.keeps?.everyMs ?? 0)
      await keeper.close()
      const late = await trial.connect(trial.endpoint('session'), { watch: [keeper.self] })
      await late.hearsKept(FIRST)
      // Proves that the closing left no will: it would have come before the next kept frame.
      await keepNext(trial, late, SECOND)
      await watcher.hearsKept(SECOND)
      for (const peer of [watcher, late]) peer.heardOnlyKept(FIRST, SECOND)
    },
  },
  {
    name: "a broken connection's will becomes the kept frame",
    needs: ['keep', 'cut'],
    async run(trial) {
      const keeper = await connectKeeper(trial, WILL)
      await keep(keeper, FIRST)
      await trial.pass(trial.transport.keeps?.everyMs ?? 0)
      await trial.cut()
      await keeper.within('closed did not resolve', keeper.connection.closed)
      const late = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await late.hearsKept(WILL)
      const later = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await later.hearsKept(WILL)
      later.heardOnlyKept(WILL)
    },
  },
  {
    name: 'a broken connection without a will leaves the kept frame',
    needs: ['keep', 'cut'],
    async run(trial) {
      const keeper = await connectKeeper(trial)
      await keep(keeper, FIRST)
      await trial.cut()
      await keeper.within('closed did not resolve', keeper.connection.closed)
      const late = await trial.connect(trial.endpoint('stub'), { watch: [keeper.self] })
      await late.hearsKept(FIRST)
      late.heardOnlyKept(FIRST)
    },
  },
]

/** Connects a session that watches its own name. */
function connectKeeper(trial: TransportTrial, will?: Uint8Array, name = 'one'): Promise<Peer> {
  const self = trial.endpoint('session', { name })
  return trial.connect(self, defined({ watch: [self], will }))
}

/** Keeps a frame; resolves when the broker has it. The peer watches its own name. */
async function keep(peer: Peer, frame: Uint8Array): Promise<void> {
  await peer.keep(frame)
  await peer.hearsKept(frame)
}

/** Like `keep`, once the previous frame may be replaced. */
async function keepNext(trial: TransportTrial, peer: Peer, frame: Uint8Array): Promise<void> {
  await trial.pass(trial.transport.keeps?.everyMs ?? 0)
  await keep(peer, frame)
}
