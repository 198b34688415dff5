import type { ConnectOptions } from '../../src/core/contracts/transport.js'
import { mutated, type TransportMutant } from './transport-mutation.js'
import { turn, turns } from './turns.js'

export const connectingMutants: readonly TransportMutant[] = [
  {
    name: 'connects before its subscription is granted',
    caughtBy: 'what is sent the moment connect() resolves arrives',
    make: () =>
      mutated({
        handlers(handlers) {
          let subscribed = false
          void turns(10).then(() => {
            subscribed = true
          })
          return { onFrame: (frame) => (subscribed ? handlers.onFrame(frame) : undefined) }
        },
      }),
  },
  {
    name: 'does not look at the signal of connect()',
    caughtBy: 'connect() with a signal that has fired rejects with ABORTED',
    make: () =>
      mutated({
        connect: (connect) => (self, handlers, options) => connect(self, handlers, withoutSignal(options)),
      }),
  },
  {
    name: "rejects an aborted connect() with the signal's own reason",
    caughtBy: 'connect() with a signal that has fired rejects with ABORTED',
    make: () =>
      mutated({
        connect: (connect) => async (self, handlers, options) => {
          options?.signal?.throwIfAborted()
          return connect(self, handlers, options)
        },
      }),
  },
  {
    name: 'never settles a connect() that is aborted meanwhile',
    caughtBy: 'connect() settles when its signal fires meanwhile',
    make: () =>
      mutated({
        connect: (connect) => (self, handlers, options) =>
          new Promise((resolve, reject) => {
            const failed = (error: unknown) => (options?.signal?.aborted ? undefined : reject(error))
            connect(self, handlers, options).then(resolve, failed)
          }),
      }),
  },
  {
    name: 'goes on connecting behind the rejection',
    caughtBy: 'a connect() that was aborted receives nothing',
    make: () =>
      mutated({
        connect: (connect) => async (self, handlers, options) => {
          const connecting = connect(self, handlers, withoutSignal(options))
          await turn()
          options?.signal?.throwIfAborted()
          return connecting
        },
      }),
  },
  {
    name: 'closes the connection when the signal of connect() fires later',
    caughtBy: 'a signal that fires after connect() leaves the connection alone',
    make: () =>
      mutated({
        connect: (connect) => async (self, handlers, options) => {
          const connection = await connect(self, handlers, options)
          options?.signal?.addEventListener('abort', () => void connection.close())
          return connection
        },
      }),
  },
  {
    name: 'takes an endpoint once only',
    caughtBy: 'an endpoint can be connected again',
    make: () => {
      const gone = new Set<string>()
      return mutated({
        handlers: (handlers, self) => ({
          onFrame: (frame) => (gone.has(JSON.stringify(self)) ? undefined : handlers.onFrame(frame)),
        }),
        connection: (connection, self) => ({
          async close() {
            gone.add(JSON.stringify(self))
            await connection.close()
          },
        }),
      })
    },
  },
  {
    name: 'gives expiresAt in seconds',
    caughtBy: 'expiresAt, where there is one, lies ahead in Unix milliseconds',
    make: () => mutated({ connection: ({ expiresAt = 0 }) => ({ expiresAt: expiresAt / 1_000 }) }),
  },
]

function withoutSignal({ signal: _unheard, ...options }: ConnectOptions = {}): ConnectOptions {
  return options
}
