import { LANES } from '../core/transport.js'
import { makeFrame, type Peer } from './transport-peer.js'
import type { TransportTest, TransportTrial } from './transport-trial.js'

const ALL = Array.from({ length: LANES }, (_, lane) => lane)

export const laneTests: readonly TransportTest[] = [
  {
    name: 'a session receives every lane of its name',
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      await sendToLanes(sender, session, ALL)
      await session.receives(...ALL.map((lane) => laneFrame(lane)))
    },
  },
  {
    name: 'a session receives what names no lane',
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      await sender.send(session.self, makeFrame('no lane'))
      await session.receives(makeFrame('no lane'))
    },
  },
  {
    name: 'the moment serve() resolves its lanes arrive, and no others',
    needs: 'serve',
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      const witness = await trial.connect(session.self)
      for (const lanes of [[1, 5], [5, 9, 15], [0]]) {
        session.frames.length = 0
        await serve(session, lanes)
        const round = lanes.join()
        await sendToLanes(sender, session, ALL, round)
        const expected = lanes.map((lane) => laneFrame(lane, round))
        await session.receives(...expected)
        await witness.receives(...ALL.map((lane) => laneFrame(lane, round)))
        session.receivedOnly(...expected)
      }
    },
  },
  {
    name: 'a lane kept by serve() loses nothing meanwhile',
    needs: 'serve',
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      await serve(session, [1, 2])
      const frames = Array.from({ length: 30 }, (_, index) => makeFrame(`meanwhile ${index}`))
      const serving = serve(session, [2, 3])
      for (const frame of frames) await sender.send({ ...session.self, lane: 2 }, frame)
      await serving
      await session.receives(...frames)
    },
  },
  {
    name: 'serve() divides the lanes of one connection from those of another',
    needs: 'serve',
    async run(trial) {
      const { sender, session } = await laneTrial(trial)
      const other = await trial.connect(session.self)
      const even = ALL.filter((lane) => lane % 2 === 0)
      const odd = ALL.filter((lane) => lane % 2 === 1)
      await serve(session, even)
      await serve(other, odd)
      await sendToLanes(sender, session, ALL)
      await session.receives(...even.map((lane) => laneFrame(lane)))
      await other.receives(...odd.map((lane) => laneFrame(lane)))
      session.receivedOnly(...even.map((lane) => laneFrame(lane)))
      other.receivedOnly(...odd.map((lane) => laneFrame(lane)))
    },
  },
]

async function laneTrial(trial: TransportTrial): Promise<{ sender: Peer; session: Peer }> {
  return {
    session: await trial.connect(trial.endpoint('session')),
    sender: await trial.connect(trial.endpoint('stub')),
  }
}

function laneFrame(lane: number, round = ''): Uint8Array {
  return makeFrame(`lane ${lane} ${round}`)
}

async function sendToLanes(
  sender: Peer,
  { self }: Peer,
  lanes: readonly number[],
  round = '',
): Promise<void> {
  for (const lane of lanes) await sender.send({ ...self, lane }, laneFrame(lane, round))
}

async function serve(peer: Peer, lanes: readonly number[]): Promise<void> {
  const { connection } = peer
  if (connection.serve === undefined) {
    throw new Error("The connection has no serve(); write one, or put 'serve' into `without`.")
  }
  await peer.within('serve() did not resolve', connection.serve(lanes))
}
