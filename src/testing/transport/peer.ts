import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { AbortOptions, Connection, Endpoint, FrameHandlers } from '../../core/contracts/transport.js'
import type { Patience } from '../suite.js'

/** Returns random-looking bytes of every value, the same for the same label. */
export function makeFrame(label: string, bytes = 64): Uint8Array {
  return Uint8Array.from(createHash('shake256', { outputLength: bytes }).update(label).digest())
}

/** One connection and its received frames. Transports may repeat and reorder frames, so this class allows both. */
export class Peer implements FrameHandlers {
  readonly self: Endpoint
  /** The buffers given to `onFrame`, never copied. */
  readonly frames: Uint8Array[] = []
  /** The buffers given to `onKept`, never copied. */
  readonly kept: Uint8Array[] = []
  /** The name given with each kept frame. */
  readonly keptNames: string[] = []
  readonly #patience: Patience
  readonly #waiting = new Set<() => void>()
  #connection: Connection | undefined

  constructor(self: Endpoint, patience: Patience) {
    this.self = self
    this.#patience = patience
  }

  get connection(): Connection {
    assert(this.#connection, 'The peer is not connected.')
    return this.#connection
  }

  attach(connection: Connection): void {
    this.#connection = connection
  }

  onFrame(frame: Uint8Array): void {
    this.frames.push(frame)
    for (const look of [...this.#waiting]) look()
  }

  onKept(frame: Uint8Array, name: string): void {
    this.kept.push(frame)
    this.keptNames.push(name)
    for (const look of [...this.#waiting]) look()
  }

  /** Returns the result of `promise`, if it comes in time. */
  within<T>(what: string, promise: Promise<T>): Promise<T> {
    return this.#patience.within(what, promise)
  }

  /** Sends one frame and waits until it is accepted. */
  send(to: Endpoint, frame: Uint8Array, options?: AbortOptions): Promise<void> {
    return this.within('send() did not settle', Promise.resolve(this.#sending(to, frame, options)))
  }

  #sending(...args: Parameters<Connection['send']>): Promise<void> | undefined {
    try {
      return this.connection.send(...args)
    } catch (cause) {
      throw new Error('send() threw; what fails has to be a promise that rejects.', { cause })
    }
  }

  /** Keeps a frame for its name and waits until it is accepted. */
  async keep(frame: Uint8Array): Promise<void> {
    const { connection } = this
    if (connection.keep === undefined) {
      throw new Error("The connection has no keep(); write one, or leave out the transport's `keeps`.")
    }
    await this.within('keep() did not settle', connection.keep(frame))
  }

  /** Waits until each of these frames has arrived. */
  receives(...expected: readonly Uint8Array[]): Promise<void> {
    return this.#arrive(this.frames, expected)
  }

  /** Waits until each of these kept frames has arrived. */
  hearsKept(...expected: readonly Uint8Array[]): Promise<void> {
    return this.#arrive(this.kept, expected)
  }

  /** Fails if any other frame has arrived. */
  receivedOnly(...allowed: readonly Uint8Array[]): void {
    this.#only(this.frames, allowed, 'frame(s) not for it')
  }

  /** Fails if any other kept frame has arrived. */
  heardOnlyKept(...allowed: readonly Uint8Array[]): void {
    this.#only(this.kept, allowed, 'kept frame(s) that it should not hear')
  }

  /** Closes the connection; resolves when it is closed. */
  close(): Promise<void> {
    return this.within('close() did not resolve', this.connection.close())
  }

  async #arrive(arrived: readonly Uint8Array[], expected: readonly Uint8Array[]): Promise<void> {
    const missing = () => expected.filter((frame) => !arrived.some((other) => equal(frame, other)))
    let look = () => {}
    const complete = new Promise<void>((resolve) => {
      look = () => {
        if (missing().length === 0) resolve()
      }
    })
    this.#waiting.add(look)
    look()
    const what = arrived === this.kept ? 'kept frame(s)' : 'frame(s)'
    try {
      await this.#patience.within(() => {
        const sizes = missing().map((frame) => frame.length.toLocaleString('en-US'))
        return (
          `${sizes.length} of ${expected.length} ${what} (bytes: ${sizes.join('; ')}) did not reach ` +
          `${describeEndpoint(this.self)}, which received ${arrived.length},`
        )
      }, complete)
    } finally {
      this.#waiting.delete(look)
    }
  }

  #only(arrived: readonly Uint8Array[], allowed: readonly Uint8Array[], what: string): void {
    const strange = arrived.filter((frame) => !allowed.some((other) => equal(frame, other)))
    assert.equal(strange.length, 0, `${describeEndpoint(this.self)} received ${strange.length} ${what}.`)
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

function describeEndpoint({ role, name }: Endpoint): string {
  return `${role} ${JSON.stringify(name)}`
}
