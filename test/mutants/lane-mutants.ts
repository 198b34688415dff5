import { type Connection, LANES } from '../../src/core/contracts/transport.js'
import { mutated, type TransportMutant } from './transport-mutation.js'
import { turns } from './turns.js'

const EXACTLY = 'the moment serve() resolves its lanes arrive, and no others'

export const laneMutants: readonly TransportMutant[] = [
  {
    name: 'receives eight lanes of sixteen',
    caughtBy: 'a session receives every lane of its name',
    make: () =>
      mutated({
        connection: (connection) => ({
          send: async (to, frame, options) =>
            (to.lane ?? 0) < LANES / 2 ? connection.send(to, frame, options) : undefined,
        }),
      }),
  },
  {
    name: 'loses what names no lane',
    caughtBy: 'a session receives what names no lane',
    make: () =>
      mutated({
        connection: (connection) => ({
          send: async (to, frame, options) =>
            to.role === 'session' && to.lane === undefined ? undefined : connection.send(to, frame, options),
        }),
      }),
  },
  {
    name: 'does not look at the lane of connect()',
    caughtBy: 'a session that connects with a lane receives that lane alone',
    make: () =>
      mutated({
        connect:
          (connect) =>
          ({ lane: _unseen, ...self }, handlers, options) =>
            connect(self, handlers, options),
      }),
  },
  {
    name: 'has a serve() that does nothing',
    caughtBy: EXACTLY,
    make: () => mutated({ connection: () => ({ serve: async () => {} }) }),
  },
  {
    name: 'adds to the lanes and takes none away',
    caughtBy: EXACTLY,
    make: () =>
      mutated({
        connection(connection) {
          const served = new Set<number>()
          return {
            serve(lanes) {
              for (const lane of lanes) served.add(lane)
              return connection.serve!([...served])
            },
          }
        },
      }),
  },
  {
    name: 'resolves serve() before the lanes are granted',
    caughtBy: EXACTLY,
    make: () =>
      mutated({
        connection: (connection) => ({
          async serve(lanes) {
            await connection.serve!([])
            void turns(3).then(() => connection.serve!(lanes))
          },
        }),
      }),
  },
  {
    name: 'receives the lane that it was opened with whatever it serves',
    caughtBy: 'serve() changes the lanes of a connection that was opened with one',
    make: () =>
      mutated({
        connection: (connection, { lane }) => ({
          serve: (lanes) => connection.serve!(lane === undefined ? lanes : [...lanes, lane]),
        }),
      }),
  },
  {
    name: 'lets a slow serve() overtake the next one',
    caughtBy: 'of serve() calls made at once the last one holds',
    make: () =>
      mutated({
        connection(connection) {
          let calls = 0
          return {
            async serve(lanes) {
              await turns(10 - 3 * calls++)
              await connection.serve!(lanes)
            },
          }
        },
      }),
  },
  {
    name: 'serves after close()',
    caughtBy: 'serve() after close() rejects with CLOSED',
    make: () => mutated({ connection: (connection) => ({ serve: unlessOver(connection, undefined) }) }),
  },
  {
    name: 'serves when it is cut',
    caughtBy: 'a broken connection refuses to serve',
    make: () => mutated({ connection: (connection) => ({ serve: unlessOver(connection, 'UNREACHABLE') }) }),
  },
  {
    name: 'lets go of all lanes before it takes the new',
    caughtBy: 'a lane kept by serve() loses nothing meanwhile',
    make: () =>
      mutated({
        connection: (connection) => ({
          async serve(lanes) {
            await connection.serve!([])
            await turns(5)
            await connection.serve!(lanes)
          },
        }),
      }),
  },
  {
    name: 'keeps the lanes in the transport, for all connections',
    caughtBy: 'serve() divides the lanes of one connection from those of another',
    make: () => {
      const all: ((lanes: readonly number[]) => Promise<void>)[] = []
      return mutated({
        connection(connection) {
          all.push((lanes) => connection.serve!(lanes))
          return {
            async serve(lanes) {
              for (const serve of all) await serve(lanes)
            },
          }
        },
      })
    },
  },
  {
    name: 'is said to have no serve(), and has one',
    caughtBy: 'no test is left out that could run',
    without: ['serve'],
    make: () => mutated({}),
  },
  {
    name: 'is said to keep nothing, and keeps',
    caughtBy: 'no test is left out that could run',
    without: ['keep'],
    make: () => mutated({}),
  },
  {
    name: 'is said not to be cut, and can be',
    caughtBy: 'no test is left out that could run',
    without: ['cut'],
    make: () => mutated({}),
  },
]

/** A serve() that does nothing, and says nothing of it, once the connection has ended with this code. */
function unlessOver(connection: Connection, code: string | undefined): NonNullable<Connection['serve']> {
  let over = false
  void connection.closed.then((reason) => {
    over = reason?.code === code
  })
  return async (lanes) => (over ? undefined : connection.serve!(lanes))
}
