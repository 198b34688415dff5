import type { Connection, Endpoint, FrameHandlers, Transport } from '../../src/core/transport.js'
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
  readonly properties?: Partial<Pick<Transport, 'name' | 'limits' | 'pricing'>>
  /** Changes whom both receivers and senders mean. */
  endpoint?(endpoint: Endpoint): Endpoint
  connect?(connect: Transport['connect']): Transport['connect']
  /** Changes what a receiver is told. */
  handlers?(handlers: FrameHandlers, self: Endpoint): FrameHandlers
  /** Replaces parts of a connection. */
  connection?(connection: Connection, self: Endpoint): Partial<Connection>
}

/** A reference transport with one mutation. */
export function mutated(mutation: Mutation): TransportUnderTest {
  const reference = new ReferenceTransport()
  const { endpoint = (same) => same, handlers = (same) => same, connection = () => ({}) } = mutation
  const inner: Transport['connect'] = (...args) => reference.connect(...args)
  const connect = mutation.connect?.(inner) ?? inner
  return {
    transport: {
      name: reference.name,
      limits: reference.limits,
      pricing: reference.pricing,
      ...mutation.properties,
      async connect(self, ears, options) {
        const opened = await connect(endpoint(self), handlers(ears, self), options)
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
    closed: parts.closed ?? inner.closed,
    close,
    [Symbol.asyncDispose]: parts[Symbol.asyncDispose] ?? close,
    ...(expiresAt !== undefined && { expiresAt }),
  }
}
