import { LANES } from '../../src/core/transport.js'
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
    name: 'is said not to be cut, and can be',
    caughtBy: 'no test is left out that could run',
    without: ['cut'],
    make: () => mutated({}),
  },
]
