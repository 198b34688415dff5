import { mutated, type TransportMutant } from './transport-mutation.js'
import { turns } from './turns.js'

export const streamingMutants: readonly TransportMutant[] = [
  {
    name: 'hears nothing while it sends',
    caughtBy: 'a stream of large and small frames arrives while its receiver answers',
    make() {
      const sending = new Set<string>()
      return mutated({
        handlers: (handlers, self) => ({
          onFrame: (frame) => (sending.has(self.role) ? undefined : handlers.onFrame(frame)),
        }),
        connection: (connection, self) => ({
          async send(to, frame, options) {
            sending.add(self.role)
            await connection.send(to, frame, options)
            await turns(2)
            sending.delete(self.role)
          },
        }),
      })
    },
  },
]
