import { abortError, TetherError, throwIfAborted } from '../../src/core/errors.js'
import {
  type AbortOptions,
  type Connection,
  checkEndpoint,
  type Endpoint,
  type FrameHandlers,
  type Transport,
} from '../../src/core/transport.js'
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
  readonly #connections = new Set<ReferenceConnection>()

  async connect(
    self: Endpoint,
    handlers: FrameHandlers,
    { signal }: AbortOptions = {},
  ): Promise<ReferenceConnection> {
    throwIfAborted(signal)
    checkEndpoint(self)
    await turn()
    if (signal?.aborted) throw abortError(signal)
    return new ReferenceConnection(this.#connections, self, handlers, this.limits.frameBytes)
  }

  /** Breaks every connection. */
  cut(): void {
    for (const connection of [...this.#connections])
      connection.end(new TetherError('UNREACHABLE', 'The broker is gone.'))
  }
}

class ReferenceConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly expiresAt = Date.now() + 3_600_000
  readonly #others: Set<ReferenceConnection>
  readonly #self: Endpoint
  readonly #handlers: FrameHandlers
  readonly #frameBytes: number
  #lanes: ReadonlySet<number> | undefined
  #reason: TetherError | undefined
  #resolveClosed: (reason: TetherError | undefined) => void = () => {}

  constructor(others: Set<ReferenceConnection>, self: Endpoint, handlers: FrameHandlers, frameBytes: number) {
    this.#others = others
    this.#self = self
    this.#handlers = handlers
    this.#frameBytes = frameBytes
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    others.add(this)
  }

  async send(to: Endpoint, frame: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    throwIfAborted(signal)
    if (!this.#others.has(this)) throw this.#reason ?? new TetherError('CLOSED', 'The connection is closed.')
    if (frame.length > this.#frameBytes) {
      throw new TetherError(
        'TOO_LARGE',
        `A frame of ${frame.length} bytes exceeds ${this.#frameBytes}; split it.`,
      )
    }
    const copy = Uint8Array.from(frame)
    setImmediate(() => {
      for (const other of [...this.#others]) other.#hear(to, copy)
    })
  }

  async serve(lanes: readonly number[]): Promise<void> {
    await turn()
    this.#lanes = new Set(lanes)
  }

  async close(): Promise<void> {
    await turn()
    this.end(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  end(reason: TetherError | undefined): void {
    if (!this.#others.delete(this)) return
    this.#reason = reason
    this.#resolveClosed(reason)
  }

  #hear(to: Endpoint, frame: Uint8Array): void {
    const { app, stage, role, name } = this.#self
    const mine = app === to.app && stage === to.stage && role === to.role && name === to.name
    const served = to.lane === undefined || this.#lanes === undefined || this.#lanes.has(to.lane)
    if (mine && served) this.#handlers.onFrame(frame)
  }
}
