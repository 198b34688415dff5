import { LANES } from '../../core/contracts/transport.js'
import { makeFrame, type Peer } from './peer.js'
import type { TransportTest, TransportTrial } from './trial.js'

const ALL = Array.from({ length: LANES }, (_, lane) => lane)

export const laneTests: readonly TransportTest[] = [
  {
    name: 'a session receives every lane of its name',
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      await sendToLanes(sender, session, ALL)
      await session.receives(...framesOf(ALL))
    },
  },
  {
    name: 'a session receives frames without a lane',
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      await sender.send(session.self, makeFrame('no lane'))
      await session.receives(makeFrame('no lane'))
    },
  },
  {
    name: 'a session that connects with a lane receives only that lane',
    needs: ['serve'],
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      const single = await trial.connect({ ...session.self, lane: 7 })
      await sendToLanes(sender, session, ALL)
      await session.receives(...framesOf(ALL))
      await single.receives(...framesOf([7]))
      single.receivedOnly(...framesOf([7]))
    },
  },
  {
    name: 'once serve() has resolved, its lanes arrive and no others',
    needs: ['serve'],
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      const witness = await trial.connect(session.self)
      for (const lanes of [[1, 5], [5, 9, 15], ALL, [], [0]]) {
        session.frames.length = 0
        await serve(session, lanes)
        const round = lanes.join()
        await sendToLanes(sender, session, ALL, round)
        await session.receives(...framesOf(lanes, round))
        await witness.receives(...framesOf(ALL, round))
        session.receivedOnly(...framesOf(lanes, round))
      }
    },
  },
  {
    name: 'serve() changes the lanes of a connection that was opened with one',
    needs: ['serve'],
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      const single = await trial.connect({ ...session.self, lane: 7 })
      for (const lanes of [[2, 7], [3]]) {
        single.frames.length = 0
        await serve(single, lanes)
        const round = lanes.join()
        await sendToLanes(sender, session, ALL, round)
        await session.receives(...framesOf(ALL, round))
        await single.receives(...framesOf(lanes, round))
        single.receivedOnly(...framesOf(lanes, round))
      }
    },
  },
  {
    name: 'the last of several concurrent serve() calls takes effect',
    needs: ['serve'],
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      const witness = await trial.connect(session.self)
      for (const calls of [
        [[1, 2], ALL],
        [[3], ALL, [4, 5, 6]],
      ]) {
        session.frames.length = 0
        await Promise.all(calls.map((lanes) => serve(session, lanes)))
        const last = calls.at(-1)!
        const round = last.join()
        await sendToLanes(sender, session, ALL, round)
        await witness.receives(...framesOf(ALL, round))
        await session.receives(...framesOf(last, round))
        session.receivedOnly(...framesOf(last, round))
      }
    },
  },
  {
    name: 'serve() loses no frames of a lane that it keeps',
    needs: ['serve'],
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      // From all lanes to some, from some to others, and back to all.
      for (const lanes of [[1, 2], [2, 3], ALL]) {
        const round = lanes.join()
        const frames = Array.from({ length: 25 }, (_, index) => makeFrame(`meanwhile ${index} ${round}`))
        const serving = serve(session, lanes)
        for (const frame of frames) await sender.send({ ...session.self, lane: 2 }, frame)
        await serving
        await session.receives(...frames)
      }
    },
  },
  {
    name: 'serve() changes the lanes of its own connection only',
    needs: ['serve'],
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      const other = await trial.connect(session.self)
      const even = ALL.filter((lane) => lane % 2 === 0)
      const odd = ALL.filter((lane) => lane % 2 === 1)
      await serve(session, even)
      await serve(other, odd)
      await sendToLanes(sender, session, ALL)
      await session.receives(...framesOf(even))
      await other.receives(...framesOf(odd))
      session.receivedOnly(...framesOf(even))
      other.receivedOnly(...framesOf(odd))
    },
  },
  {
    name: 'serve() after close() rejects with CLOSED',
    needs: ['serve'],
    async run(trial) {
      const { session } = await laneTrial(trial)
      await session.close()
      await trial.rejects('serve()', serve(session, [1]), 'CLOSED')
    },
  },
  {
    name: 'serve() of a broken connection rejects',
    needs: ['serve', 'cut'],
    async run(trial) {
      const { session } = await laneTrial(trial)
      await trial.cut()
      await session.within('closed did not resolve', session.connection.closed)
      await trial.rejects('serve()', serve(session, [1]), 'UNREACHABLE', 'CLOSED')
    },
  },
]

async function laneTrial(trial: TransportTrial): Promise<{ sender: Peer; session: Peer }> {
  return {
    session: await trial.connect(trial.endpoint('session')),
    sender: await trial.connect(trial.endpoint('stub')),
  }
}

function framesOf(lanes: readonly number[], round = ''): Uint8Array[] {
  return lanes.map((lane) => makeFrame(`lane ${lane} ${round}`))
}

async function sendToLanes(
  sender: Peer,
  { self }: Peer,
  lanes: readonly number[],
  round = '',
): Promise<void> {
  const frames = framesOf(lanes, round)
  for (const [index, lane] of lanes.entries()) await sender.send({ ...self, lane }, frames[index]!)
}

/** Gives a connection these lanes; resolves when it has them. */
export async function serve(peer: Peer, lanes: readonly number[]): Promise<void> {
  const { connection } = peer
  if (connection.serve === undefined) {
    throw new Error("The connection has no serve(); write one, or put 'serve' into `without`.")
  }
  await peer.within('serve() did not resolve', connection.serve(lanes))
}
