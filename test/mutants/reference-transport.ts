import { abortError, TetherError, throwIfAborted } from '../../src/core/base/errors.js'
import {
  type AbortOptions,
  type Connection,
  type ConnectOptions,
  checkEndpoint,
  type Endpoint,
  type FrameHandlers,
  type Transport,
} from '../../src/core/contracts/transport.js'
import { turn } from './turns.js'

/**
 * A correct transport that does all that a transport may do, in event-loop turns instead of time: what mutants are made
 * from.
 */
export class ReferenceTransport implements Transport {
  readonly name = 'reference'
  readonly limits: Transport['limits'] = {
    frameBytes: 131_072,
    rate: { frames: 100, bytes: 524_288, counts: 'sent+received' },
  }
  readonly pricing: NonNullable<Transport['pricing']> = {
    unitBytes: 5_120,
    usdPerMillionUnits: 1,
    usdPerMillionMinutes: 0.08,
  }
  readonly keeps = { everyMs: 3 }
  readonly #broker: Broker = { connections: new Set(), kept: new Map(), frameBytes: this.limits.frameBytes }

  async connect(
    self: Endpoint,
    handlers: FrameHandlers,
    options: ConnectOptions = {},
  ): Promise<ReferenceConnection> {
    const { signal } = options
    throwIfAborted(signal)
    checkEndpoint(self)
    await turn()
    if (signal?.aborted) throw abortError(signal)
    return new ReferenceConnection(this.#broker, self, handlers, options)
  }

  /** Breaks every connection. */
  cut(): void {
    for (const connection of [...this.#broker.connections])
      connection.end(new TetherError('UNREACHABLE', 'The network is gone.'))
  }
}

interface Broker {
  readonly connections: Set<ReferenceConnection>
  readonly kept: Map<string, Uint8Array>
  readonly frameBytes: number
}

class ReferenceConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly expiresAt = Date.now() + 3_600_000
  readonly #broker: Broker
  readonly #self: Endpoint
  readonly #handlers: FrameHandlers
  readonly #watched: ReadonlyMap<string, string>
  readonly #will: Uint8Array | undefined
  #lanes: ReadonlySet<number> | undefined
  #serving: Promise<void> = Promise.resolve()
  #over: TetherError | undefined
  #resolveClosed: (reason: TetherError | undefined) => void = () => {}

  constructor(broker: Broker, self: Endpoint, handlers: FrameHandlers, { watch = [], will }: ConnectOptions) {
    this.#broker = broker
    this.#self = self
    this.#handlers = handlers
    this.#watched = new Map(watch.map((session) => [keyOf(session), session.name]))
    this.#will = will
    this.#lanes = self.lane === undefined ? undefined : new Set([self.lane])
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    broker.connections.add(this)
    for (const key of this.#watched.keys()) {
      const kept = broker.kept.get(key)
      if (kept !== undefined) setImmediate(() => this.#hearKept(kept, key))
    }
  }

  async send(to: Endpoint, frame: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    throwIfAborted(signal)
    const copy = this.#accept(frame)
    setImmediate(() => {
      for (const other of [...this.#broker.connections]) other.#hear(to, copy)
    })
  }

  serve(lanes: readonly number[]): Promise<void> {
    const serving = this.#serving.then(async () => {
      if (this.#over !== undefined) throw this.#over
      await turn()
      this.#lanes = new Set(lanes)
    })
    this.#serving = serving.catch(() => {})
    return serving
  }

  async keep(frame: Uint8Array): Promise<void> {
    this.#replaceKept(this.#accept(frame))
  }

  async close(): Promise<void> {
    await turn()
    this.end(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  end(reason: TetherError | undefined): void {
    if (!this.#broker.connections.delete(this)) return
    this.#over = reason ?? new TetherError('CLOSED', 'The connection is closed.')
    if (reason !== undefined && this.#will !== undefined) this.#replaceKept(this.#will)
    this.#resolveClosed(reason)
  }

  #accept(frame: Uint8Array): Uint8Array {
    if (this.#over !== undefined) throw this.#over
    const { frameBytes } = this.#broker
    if (frame.length > frameBytes) {
      throw new TetherError('TOO_LARGE', `A frame of ${frame.length} bytes exceeds ${frameBytes}; split it.`)
    }
    return Uint8Array.from(frame)
  }

  #replaceKept(frame: Uint8Array): void {
    const { kept, connections } = this.#broker
    const key = keyOf(this.#self)
    kept.set(key, frame)
    setImmediate(() => {
      for (const other of [...connections]) other.#hearKept(frame, key)
    })
  }

  #hear(to: Endpoint, frame: Uint8Array): void {
    const mine = this.#self.role === to.role && keyOf(this.#self) === keyOf(to)
    const served = to.lane === undefined || this.#lanes === undefined || this.#lanes.has(to.lane)
    if (mine && served) this.#handlers.onFrame(frame)
  }

  #hearKept(frame: Uint8Array, key: string): void {
    const name = this.#watched.get(key)
    if (this.#over === undefined && name !== undefined) this.#handlers.onKept?.(frame, name)
  }
}

function keyOf({ app, stage, name }: Endpoint): string {
  return JSON.stringify([app, stage, name])
}
