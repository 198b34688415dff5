import { tracingChannel } from 'node:diagnostics_channel'
import { tracingChannels } from '../../src/core/base/diagnostics.js'
import type { TraceContext } from '../../src/index.js'

/** One publication of a tracing channel. */
export interface Published {
  readonly channel: string
  readonly event: 'start' | 'end' | 'error' | 'asyncStart' | 'asyncEnd'
  readonly context: TraceContext
}

/** Listens to all tracing channels of this process until it is disposed. */
export function listenToTraces(): { readonly published: Published[] } & Disposable {
  const published: Published[] = []
  const stops = Object.values(tracingChannels).map((name) => {
    const note = (event: Published['event']) => (context: TraceContext) =>
      void published.push({ channel: name.replace('lambda-tether:', ''), event, context })
    const subscribers = {
      start: note('start'),
      end: note('end'),
      error: note('error'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
    }
    const channel = tracingChannel<unknown, TraceContext>(name)
    channel.subscribe(subscribers)
    return () => channel.unsubscribe(subscribers)
  })
  return { published, [Symbol.dispose]: () => stops.forEach((stop) => void stop()) }
}
