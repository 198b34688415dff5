import { TetherError } from '../../src/core/base/errors.js'
import type { Connection } from '../../src/core/contracts/transport.js'
import { mutated, type TransportMutant } from './transport-mutation.js'

const PROPERTIES = 'name, limits and pricing are such that the core can use them'

export const sendingMutants: readonly TransportMutant[] = [
  {
    name: 'has no name',
    caughtBy: PROPERTIES,
    make: () => mutated({ properties: { name: '' } }),
  },
  {
    name: 'gives frameBytes with a fraction',
    caughtBy: PROPERTIES,
    make: () => mutated({ properties: { limits: { frameBytes: 131_072.5 } } }),
  },
  {
    name: 'allows no frame a second',
    caughtBy: PROPERTIES,
    make: () =>
      mutated({ properties: { limits: { frameBytes: 131_072, rate: { frames: 0, counts: 'sent' } } } }),
  },
  {
    name: 'charges less than nothing',
    caughtBy: PROPERTIES,
    make: () =>
      mutated({
        properties: { pricing: { unitBytes: 5_120, usdPerMillionUnits: -1, usdPerMillionMinutes: 0 } },
      }),
  },
  {
    name: 'meters in a way of its own',
    caughtBy: PROPERTIES,
    make: () =>
      mutated({
        properties: {
          pricing: {
            unitBytes: 5_120,
            usdPerMillionUnits: 1,
            usdPerMillionMinutes: 0,
            counts: 'thrice' as never,
          },
        },
      }),
  },
  {
    name: 'drops frames that are too large in silence',
    caughtBy: 'a frame over limits.frameBytes is refused with TOO_LARGE and both numbers',
    make: () => withSend(async (error) => ignore(error, 'TOO_LARGE')),
  },
  {
    name: 'throws what it should reject with',
    caughtBy: 'a frame over limits.frameBytes is refused with TOO_LARGE and both numbers',
    make: () =>
      mutated({
        connection: (connection) => ({
          send(to, frame, options) {
            if (frame.length <= 131_072) return connection.send(to, frame, options)
            throw new TetherError('TOO_LARGE', `A frame of ${frame.length} bytes exceeds 131072.`)
          },
        }),
      }),
  },
  {
    name: 'says too large without the numbers',
    caughtBy: 'a frame over limits.frameBytes is refused with TOO_LARGE and both numbers',
    make: () =>
      withSend(async (error) => {
        if (error.code === 'TOO_LARGE') throw new TetherError('TOO_LARGE', 'The frame is too large.')
        throw error
      }),
  },
  {
    name: 'sends the first part of a frame that is too large',
    caughtBy: 'a frame over limits.frameBytes is not sent, and the connection goes on',
    make: () =>
      mutated({
        connection: (connection) => ({
          async send(to, frame, options) {
            if (frame.length > 131_072) await connection.send(to, frame.subarray(0, 131_072), options)
            await connection.send(to, frame, options)
          },
        }),
      }),
  },
  {
    name: 'closes at a frame that is too large, as a broker would',
    caughtBy: 'a frame over limits.frameBytes is not sent, and the connection goes on',
    make: () =>
      withSend(async (error, connection) => {
        if (error.code === 'TOO_LARGE') await connection.close()
        throw error
      }),
  },
  {
    name: 'does not look at the signal of send()',
    caughtBy: 'send() with a signal that has fired rejects with ABORTED and sends nothing',
    make: () =>
      mutated({
        connection: (connection) => ({ send: (to, frame) => connection.send(to, frame) }),
      }),
  },
  {
    name: 'sends before it looks at the signal',
    caughtBy: 'send() with a signal that has fired rejects with ABORTED and sends nothing',
    make: () =>
      mutated({
        connection: (connection) => ({
          async send(to, frame, options) {
            await connection.send(to, frame)
            if (options?.signal?.aborted) throw new TetherError('ABORTED', 'The signal fired.')
          },
        }),
      }),
  },
  {
    name: 'ends the connection at a frame to nobody',
    caughtBy: 'a frame to nobody does no harm',
    make: () =>
      mutated({
        connection: (connection) => ({
          async send(to, frame, options) {
            await connection.send(to, frame, options)
            if (to.name.startsWith('nobody')) await connection.close()
          },
        }),
      }),
  },
]

/** Changes what a refused `send` does. */
function withSend(refused: (error: TetherError, connection: Connection) => Promise<void>) {
  return mutated({
    connection: (connection) => ({
      send: (...args) => connection.send(...args)?.catch((error) => refused(error, connection)),
    }),
  })
}

function ignore(error: TetherError, code: TetherError['code']): void {
  if (error.code !== code) throw error
}
