import type { Clock, Transport } from '../../src/index.js'
import { RateWindow } from '../../src/local/iot/rate.js'

/** A transport whose broker discards, as AWS IoT does, what a connection sends and receives over its frames a second. */
export function limitedTransport(
  inner: Transport,
  clock: Clock,
  frames = 100,
): Transport & { discarded: number } {
  const limited = {
    name: 'limited',
    limits: { ...inner.limits, rate: { frames, counts: 'sent+received' as const } },
    ...(inner.keeps === undefined ? {} : { keeps: inner.keeps }),
    discarded: 0,
    async connect(...[self, handlers, options]: Parameters<Transport['connect']>) {
      const window = new RateWindow(frames)
      const passes = () => {
        const taken = window.take(clock.now())
        if (!taken) limited.discarded++
        return taken
      }
      const connection = await inner.connect(
        self,
        { ...handlers, onFrame: (frame) => (passes() ? handlers.onFrame(frame) : undefined) },
        options,
      )
      const send = connection.send.bind(connection)
      return Object.assign(connection, {
        send: async (...parameters: Parameters<typeof send>) => (passes() ? send(...parameters) : undefined),
      })
    },
  }
  return limited
}
