import { mutated, type TransportMutant } from './transport-mutation.js'

export const deliveryMutants: readonly TransportMutant[] = [
  {
    name: 'takes frames for text',
    caughtBy: 'a frame arrives byte for byte, whatever its bytes',
    make: () => arriving((frame) => new TextEncoder().encode(new TextDecoder().decode(frame))),
  },
  {
    name: 'ends a frame at its first NUL',
    caughtBy: 'a frame arrives byte for byte, whatever its bytes',
    make: () => arriving((frame) => (frame[0] === 0 ? frame.subarray(0, 0) : frame)),
  },
  {
    name: 'cuts frames off at 65,535 bytes',
    caughtBy: 'a frame of any size up to limits.frameBytes arrives whole',
    make: () => arriving((frame) => frame.subarray(0, 65_535)),
  },
  {
    name: 'counts its own header into limits.frameBytes',
    caughtBy: 'a frame of any size up to limits.frameBytes arrives whole',
    make: () =>
      mutated({
        connection: (connection) => ({
          send: async (to, frame, options) =>
            frame.length > 131_072 - 16 && frame.length <= 131_072
              ? undefined
              : connection.send(to, frame, options),
        }),
      }),
  },
  {
    name: 'loses frames of one byte',
    caughtBy: 'a frame of any size up to limits.frameBytes arrives whole',
    make: () =>
      mutated({
        handlers: (handlers) => ({
          onFrame: (frame) => (frame.length > 1 ? handlers.onFrame(frame) : undefined),
        }),
      }),
  },
  {
    name: 'sends the buffer under the view',
    caughtBy: 'a view into a larger buffer is sent as what it shows',
    make: () =>
      mutated({
        connection: (connection) => ({
          send: (to, frame, options) =>
            connection.send(to, frame.length === 100 ? new Uint8Array(frame.buffer) : frame, options),
        }),
      }),
  },
  {
    name: "queues the sender's bytes, not a copy",
    caughtBy: 'a sender may overwrite its bytes once send() has resolved',
    make: () =>
      mutated({
        connection: (connection) => ({
          async send(to, frame, options) {
            if (options?.signal?.aborted || frame.length > 131_072) return connection.send(to, frame, options)
            setImmediate(() => connection.send(to, frame, options)?.catch(() => {}))
          },
        }),
      }),
  },
  {
    name: 'says that it is done while it still reads the bytes',
    caughtBy: 'a sender may overwrite its bytes once send() has resolved',
    make: () =>
      mutated({
        connection: (connection) => ({
          send(to, frame, options) {
            if (options?.signal?.aborted || frame.length > 131_072) return connection.send(to, frame, options)
            setImmediate(() => connection.send(to, frame, options)?.catch(() => {}))
            return undefined
          },
        }),
      }),
  },
  {
    name: 'reads every frame into one buffer',
    caughtBy: 'what onFrame was given stays as it was while more arrives',
    make: () => {
      const buffer = new Uint8Array(262_144)
      return arriving((frame) => {
        buffer.set(frame)
        return buffer.subarray(0, frame.length)
      })
    },
  },
  {
    name: 'has room for one frame on its way',
    caughtBy: 'frames sent without waiting all arrive',
    make: () =>
      mutated({
        connection(connection) {
          let busy = false
          return {
            async send(to, frame, options) {
              if (busy) return
              busy = true
              try {
                await connection.send(to, frame, options)
              } finally {
                busy = false
              }
            },
          }
        },
      }),
  },
  {
    name: 'carries nothing from a session to a stub',
    caughtBy: 'a session and a stub speak both ways',
    make: () =>
      mutated({
        connection: (connection, self) => ({
          send: async (to, frame, options) =>
            self.name === 'one' && self.role === 'session' && to.role === 'stub'
              ? undefined
              : connection.send(to, frame, options),
        }),
      }),
  },
  {
    name: 'gives a frame to the oldest connection only',
    caughtBy: 'a connection and its successor lose nothing between them',
    make: () => {
      const oldest = new Map<string, object>()
      return mutated({
        handlers(handlers, self) {
          const key = JSON.stringify(self)
          const ears = { onFrame: (frame: Uint8Array) => oldest.get(key) === ears && handlers.onFrame(frame) }
          if (!oldest.has(key)) oldest.set(key, ears)
          return ears
        },
      })
    },
  },
  {
    name: 'carries nothing between sessions of one name',
    caughtBy: 'a session speaks to every other session of its name',
    make: () =>
      mutated({
        connection: (connection, self) => ({
          send: async (to, frame, options) =>
            self.role === to.role && !options?.signal?.aborted
              ? undefined
              : connection.send(to, frame, options),
        }),
      }),
  },
  {
    name: 'gives a frame to the newest connection only',
    caughtBy: 'every connection of an endpoint receives what is sent to it',
    make: () => {
      const newest = new Map<string, object>()
      return mutated({
        handlers(handlers, self) {
          const key = JSON.stringify(self)
          const ears = { onFrame: (frame: Uint8Array) => newest.get(key) === ears && handlers.onFrame(frame) }
          newest.set(key, ears)
          return ears
        },
      })
    },
  },
]

function arriving(change: (frame: Uint8Array) => Uint8Array) {
  return mutated({
    handlers: (handlers) => ({ onFrame: (frame) => handlers.onFrame(change(frame)) }),
  })
}
