import type { Connection, Endpoint, FrameHandlers, Transport } from '../../src/core/contracts/transport.js'
import type { TransportFeature, TransportUnderTest } from '../../src/testing/index.js'
import { ReferenceTransport } from './reference-transport.js'

/** One promise broken on purpose. */
export interface TransportMutant {
  /** What it does wrong. */
  readonly name: string
  /** The test that is there for it; others may fail, too. */
  readonly caughtBy: string
  readonly without?: readonly TransportFeature[]
  make(): TransportUnderTest
}

/** Where a mutation may reach into a correct transport. */
export interface Mutation {
  readonly properties?: Partial<Pick<Transport, 'name' | 'limits' | 'pricing' | 'keeps'>>
  /** Changes whom both receivers and senders mean. */
  endpoint?(endpoint: Endpoint): Endpoint
  connect?(connect: Transport['connect']): Transport['connect']
  /** Changes what a receiver is told. */
  handlers?(handlers: FrameHandlers, self: Endpoint): Partial<FrameHandlers>
  /** Replaces parts of a connection. */
  connection?(connection: Connection, self: Endpoint): Partial<Connection>
}

/** A reference transport with one mutation. */
export function mutated(mutation: Mutation): TransportUnderTest {
  const reference = new ReferenceTransport()
  const { endpoint = (same) => same, handlers = () => ({}), connection = () => ({}) } = mutation
  const inner: Transport['connect'] = (...args) => reference.connect(...args)
  const connect = mutation.connect?.(inner) ?? inner
  return {
    transport: {
      name: reference.name,
      limits: reference.limits,
      pricing: reference.pricing,
      keeps: reference.keeps,
      ...mutation.properties,
      async connect(self, ears, options) {
        const heard: FrameHandlers = {
          onFrame: (frame) => ears.onFrame(frame),
          onKept: (frame, name) => ears.onKept?.(frame, name),
          ...handlers(ears, self),
        }
        const watched = options?.watch && { ...options, watch: options.watch.map(endpoint) }
        const opened = await connect(endpoint(self), heard, watched ?? options)
        return overridden(opened, connection(opened, self), endpoint)
      },
    },
    cut: () => reference.cut(),
    close: () => reference.cut(),
  }
}

function overridden(
  inner: Connection,
  parts: Partial<Connection>,
  endpoint: (endpoint: Endpoint) => Endpoint,
): Connection {
  const send: Connection['send'] = parts.send ?? ((...args) => inner.send(...args))
  const close = parts.close ?? (() => inner.close())
  const expiresAt = parts.expiresAt ?? inner.expiresAt
  return {
    send: (to, frame, options) => send(endpoint(to), frame, options),
    serve: parts.serve ?? (async (lanes) => inner.serve?.(lanes)),
    keep: parts.keep ?? (async (frame) => inner.keep?.(frame)),
    closed: parts.closed ?? inner.closed,
    close,
    [Symbol.asyncDispose]: parts[Symbol.asyncDispose] ?? close,
    ...(expiresAt !== undefined && { expiresAt }),
  }
}
