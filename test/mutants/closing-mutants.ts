import { TetherError } from '../../src/core/base/errors.js'
import type { Connection } from '../../src/core/contracts/transport.js'
import { mutated, type TransportMutant } from './transport-mutation.js'

const CLOSED_CODE = 'send() after close() rejects with CLOSED'
const RESOLVED = 'closed has resolved with undefined when close() resolves'
const TWICE = 'close() may be called twice at once, and again afterwards'
const BROKEN = 'a broken connection resolves closed with a TetherError'

export const closingMutants: readonly TransportMutant[] = [
  {
    name: 'resolves closed at once',
    caughtBy: 'closed is pending while the connection lives',
    make: () => mutated({ connection: () => ({ closed: Promise.resolve(undefined) }) }),
  },
  {
    name: 'resolves close() before it has closed',
    caughtBy: RESOLVED,
    make: () =>
      mutated({
        connection: (connection) => ({
          async close() {
            setImmediate(() => setImmediate(() => void connection.close()))
          },
        }),
      }),
  },
  {
    name: 'gives a reason for its own close()',
    caughtBy: RESOLVED,
    make: () =>
      mutated({
        connection: ({ closed }) => ({
          closed: closed.then((reason) => reason ?? new TetherError('CLOSED', 'The connection is closed.')),
        }),
      }),
  },
  {
    name: 'rejects a second close()',
    caughtBy: TWICE,
    make: () =>
      mutated({
        connection(connection) {
          let called = false
          return {
            async close() {
              if (called) throw new TetherError('CLOSED', 'The connection is closed.')
              called = true
              await connection.close()
            },
          }
        },
      }),
  },
  {
    name: 'never resolves a second close()',
    caughtBy: TWICE,
    make: () =>
      mutated({
        connection(connection) {
          let called = false
          return {
            async close() {
              if (called) await new Promise(() => {})
              called = true
              await connection.close()
            },
          }
        },
      }),
  },
  {
    name: 'has an asyncDispose that does nothing',
    caughtBy: 'await using closes',
    make: () => mutated({ connection: () => ({ [Symbol.asyncDispose]: async () => {} }) }),
  },
  {
    name: 'sends after close() into the void',
    caughtBy: CLOSED_CODE,
    make: () =>
      mutated({
        connection: (connection) => ({
          send: (...args) =>
            connection.send(...args)?.catch((error: TetherError) => {
              if (error.code !== 'CLOSED') throw error
            }),
        }),
      }),
  },
  {
    name: 'throws a plain error after close()',
    caughtBy: CLOSED_CODE,
    make: () =>
      mutated({
        connection: (connection) => ({
          send: (...args) =>
            connection.send(...args)?.catch((error: TetherError) => {
              throw error.code === 'CLOSED' ? new Error('closed') : error
            }),
        }),
      }),
  },
  {
    name: 'leaves its subscription behind',
    caughtBy: 'nothing arrives after close()',
    make: () => {
      const closed = new WeakSet<Connection>()
      return mutated({
        connection: (connection) => ({
          closed: new Promise(() => {}),
          async send(...args) {
            if (closed.has(connection)) throw new TetherError('CLOSED', 'The connection is closed.')
            return connection.send(...args)
          },
          async close() {
            closed.add(connection)
          },
        }),
      })
    },
  },
  {
    name: 'throws away what is in its buffer at close()',
    caughtBy: 'what was sent before close() arrives',
    make: () =>
      mutated({
        connection(connection) {
          let open = true
          return {
            async send(to, frame, options) {
              if (!open || options?.signal?.aborted || frame.length > 131_072)
                return connection.send(to, frame, options)
              const copy = Uint8Array.from(frame)
              setImmediate(() => open && connection.send(to, copy, options)?.catch(() => {}))
            },
            async close() {
              open = false
              await connection.close()
            },
          }
        },
      }),
  },
  {
    name: 'leaves sends pending at close()',
    caughtBy: 'sends under way settle when close() is called',
    make: () =>
      mutated({
        connection(connection) {
          let open = true
          return {
            async send(...args) {
              const wasOpen = open
              await connection.send(...args)
              if (wasOpen && !open) await new Promise(() => {})
            },
            async close() {
              open = false
              await connection.close()
            },
          }
        },
      }),
  },
  {
    name: 'closes all connections of the endpoint',
    caughtBy: "closing a connection leaves its endpoint's others alone",
    make: () => {
      const byEndpoint = new Map<string, Connection[]>()
      return mutated({
        connection(connection, self) {
          const key = JSON.stringify(self)
          const all = [...(byEndpoint.get(key) ?? []), connection]
          byEndpoint.set(key, all)
          return {
            close: async () => void (await Promise.all(byEndpoint.get(key)!.map((one) => one.close()))),
          }
        },
      })
    },
  },
  {
    name: 'takes a cut for its own close()',
    caughtBy: BROKEN,
    make: () => mutated({ connection: ({ closed }) => ({ closed: closed.then(() => undefined) }) }),
  },
  {
    name: 'rejects closed when it is cut',
    caughtBy: BROKEN,
    make: () =>
      mutated({
        connection({ closed }) {
          const rejecting = closed.then((reason) => {
            if (reason !== undefined) throw reason
            return undefined
          })
          rejecting.catch(() => {})
          return { closed: rejecting }
        },
      }),
  },
  {
    name: 'does not notice that it was cut',
    caughtBy: BROKEN,
    make: () =>
      mutated({
        connection(connection) {
          let resolve: (reason: undefined) => void = () => {}
          const closed = new Promise<undefined>((settle) => {
            resolve = settle
          })
          return {
            closed,
            async close() {
              await connection.close()
              resolve(undefined)
            },
          }
        },
      }),
  },
  {
    name: 'accepts frames when it is cut',
    caughtBy: 'a broken connection refuses to send',
    make: () =>
      mutated({
        connection(connection) {
          let cut = false
          void connection.closed.then((reason) => {
            cut = reason !== undefined
          })
          return { send: async (...args) => (cut ? undefined : connection.send(...args)) }
        },
      }),
  },
  {
    name: 'never resolves close() when it is cut',
    caughtBy: 'a broken connection can be closed',
    make: () =>
      mutated({
        connection: (connection) => ({
          async close() {
            await connection.close()
            if ((await connection.closed) !== undefined) await new Promise(() => {})
          },
        }),
      }),
  },
]
