import { TetherError, throwIfAborted } from '../core/base/errors.js'
import { wholeNumber } from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import { setImmediate } from '../core/base/timers.js'
import {
  type AbortOptions,
  type Connection,
  type ConnectOptions,
  checkEndpoint,
  type Endpoint,
  type FrameHandlers,
  MIN_FRAME_BYTES,
  type Transport,
} from '../core/contracts/transport.js'

/** Options of {@link memory}. */
export interface MemoryOptions {
  /** The largest frame, in bytes. @default 131,072, as on AWS IoT */
  readonly frameBytes?: number | undefined
}

/** A broker inside this process. */
export interface MemoryTransport extends Transport {
  /** Ends every connection without a goodbye, like a failing network; new connections can be made. For tests. */
  cut(): void
}

/**
 * A broker inside this process: a frame to an endpoint reaches every connection of that endpoint, in order, after
 * `send` has returned. A frame without a receiver is lost, as on any broker; kept frames stay. Pass one `memory()` to a
 * session and to its stubs. It is the executable specification of a transport: every transport must behave like it.
 * @throws TetherError `INVALID_OPTION`
 */
export function memory(options: MemoryOptions = {}): MemoryTransport {
  const { frameBytes = 131_072 } = checkOptions('memory', options, {
    frameBytes: wholeNumber(MIN_FRAME_BYTES),
  })
  const broker: Broker = { frameBytes, connections: new Set(), kept: new Map() }
  return {
    name: 'memory',
    limits: { frameBytes },
    keeps: { everyMs: 0 },
    describe: ({ app, stage, role, name }, what) =>
      `${app}/${stage}/${what === 'kept' ? 'presence' : role}/${name}`,
    async connect(self, handlers, connectOptions = {}) {
      throwIfAborted(connectOptions.signal)
      return new MemoryConnection(broker, checkEndpoint(self), handlers, connectOptions)
    },
    cut() {
      const reason = new TetherError('UNREACHABLE', 'The connection was cut.')
      for (const connection of [...broker.connections]) connection.end(reason)
    },
  }
}

interface Broker {
  readonly frameBytes: number
  readonly connections: Set<MemoryConnection>
  /** The last frame kept for each session's name. */
  readonly kept: Map<string, Uint8Array>
}

class MemoryConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly #broker: Broker
  readonly #self: Endpoint
  readonly #handlers: FrameHandlers
  /** The names of the watched sessions, by broker key. */
  readonly #watched: ReadonlyMap<string, string>
  readonly #will: Uint8Array | undefined
  #lanes: ReadonlySet<number> | undefined
  #over: TetherError | undefined
  #resolveClosed: (reason: TetherError | undefined) => void = () => {}

  constructor(broker: Broker, self: Endpoint, handlers: FrameHandlers, { watch = [], will }: ConnectOptions) {
    this.#broker = broker
    this.#self = self
    this.#handlers = handlers
    this.#watched = new Map(watch.map((session) => [nameOf(session), session.name]))
    this.#will = will && Uint8Array.from(will)
    this.#lanes = self.lane === undefined ? undefined : new Set([self.lane])
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    broker.connections.add(this)
    for (const watched of this.#watched.keys()) {
      const kept = broker.kept.get(watched)
      if (kept !== undefined) setImmediate(() => this.#hearKept(kept, watched))
    }
  }

  send(to: Endpoint, frame: Uint8Array, options?: AbortOptions): Promise<void> | undefined {
    let copy: Uint8Array
    try {
      copy = this.#accept(frame, options)
    } catch (error) {
      return Promise.reject(error)
    }
    setImmediate(deliver, this.#broker, to, copy)
    return undefined
  }

  async serve(lanes: readonly number[]): Promise<void> {
    this.#throwIfOver()
    this.#lanes = new Set(lanes)
  }

  async keep(frame: Uint8Array): Promise<void> {
    this.#replaceKept(this.#accept(frame))
  }

  async close(): Promise<void> {
    this.end(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Ends the connection: in order, or with a reason, which publishes the will. */
  end(reason: TetherError | undefined): void {
    if (!this.#broker.connections.delete(this)) return
    this.#over = reason ?? new TetherError('CLOSED', 'The connection is closed.')
    if (reason !== undefined && this.#will !== undefined) this.#replaceKept(this.#will)
    this.#resolveClosed(reason)
  }

  #accept(frame: Uint8Array, { signal }: AbortOptions = {}): Uint8Array {
    throwIfAborted(signal)
    this.#throwIfOver()
    const { frameBytes } = this.#broker
    if (frame.length > frameBytes) {
      throw new TetherError('TOO_LARGE', `A frame of ${frame.length} bytes exceeds ${frameBytes}; split it.`)
    }
    return new Uint8Array(frame)
  }

  #throwIfOver(): void {
    if (this.#over !== undefined) throw this.#over
  }

  #replaceKept(frame: Uint8Array): void {
    const { kept, connections } = this.#broker
    const name = nameOf(this.#self)
    kept.set(name, frame)
    setImmediate(() => {
      for (const connection of connections) connection.#hearKept(frame, name)
    })
  }

  /** Whether this connection receives frames to an endpoint. */
  receives({ app, stage, role, name, lane = 0 }: Endpoint): boolean {
    const self = this.#self
    return (
      name === self.name &&
      role === self.role &&
      app === self.app &&
      stage === self.stage &&
      (this.#lanes === undefined || this.#lanes.has(lane))
    )
  }

  hear(frame: Uint8Array): void {
    this.#handlers.onFrame(frame)
  }

  #hearKept(frame: Uint8Array, watched: string): void {
    const name = this.#watched.get(watched)
    if (this.#over === undefined && name !== undefined) this.#handlers.onKept?.(Uint8Array.from(frame), name)
  }
}

/** Hands a frame to every connection that receives there, each with its own copy. */
function deliver({ connections }: Broker, to: Endpoint, frame: Uint8Array): void {
  let given = false
  for (const connection of connections) {
    if (!connection.receives(to)) continue
    connection.hear(given ? new Uint8Array(frame) : frame)
    given = true
  }
}

function nameOf({ app, stage, name }: Endpoint): string {
  return JSON.stringify([app, stage, name])
}
