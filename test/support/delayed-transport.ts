import { throwIfAborted } from '../../src/core/base/errors.js'
import type { Clock, Transport, TransportLimits } from '../../src/index.js'

export interface DelayOptions {
  /** Between either side and the broker, in milliseconds: a frame takes half of it to the broker and half from there. */
  readonly roundTripMs: number
  readonly clock: Clock
  /** In place of the transport's own. */
  readonly limits?: TransportLimits
  /** How long a connection lives, in milliseconds; a transport that is limited says so and then ends it. */
  readonly lifetimeMs?: number
}

/** TCP, CONNECT and SUBSCRIBE. */
const CONNECT_ROUND_TRIPS = 3

/** What AWS IoT Core allows one connection. */
export const IOT_TRANSPORT_LIMITS: TransportLimits = {
  frameBytes: 131_072,
  rate: { frames: 100, bytes: 524_288, counts: 'sent+received' },
}

/** The transport at a distance: everything arrives, in order, later. */
export function delayed(inner: Transport, options: DelayOptions): Transport {
  const { roundTripMs, clock, lifetimeMs } = options
  const oneWayMs = roundTripMs / 2
  return {
    name: inner.name,
    limits: options.limits ?? inner.limits,
    async connect(self, handlers, connectOptions) {
      await new Promise<void>((resolve) => clock.schedule(CONNECT_ROUND_TRIPS * roundTripMs, resolve))
      throwIfAborted(connectOptions?.signal)
      const near = await inner.connect(self, {
        onFrame: (frame) => clock.schedule(oneWayMs, () => handlers.onFrame(frame)),
      })
      const onTheWay = new Set<() => void>()
      const close = async () => {
        // What was sent before arrives, sooner than it would have: whoever closes has no clock to wait by.
        for (const deliver of onTheWay) deliver()
        await near.close()
      }
      if (lifetimeMs !== undefined) clock.schedule(lifetimeMs, () => void near.close())
      return {
        closed: near.closed,
        close,
        [Symbol.asyncDispose]: close,
        ...(lifetimeMs !== undefined && { expiresAt: clock.now() + lifetimeMs }),
        async send(to, frame) {
          const copy = Uint8Array.from(frame)
          const deliver = () => {
            onTheWay.delete(deliver)
            cancel()
            near.send(to, copy)?.catch(() => {})
          }
          const cancel = clock.schedule(oneWayMs, deliver)
          onTheWay.add(deliver)
        },
      }
    },
  }
}
