import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { AbortOptions, Connection, Endpoint, FrameHandlers } from '../core/transport.js'
import type { Patience } from './suite.js'

/** Bytes of every value that look like nothing else, the same for the same label. */
export function makeFrame(label: string, bytes = 64): Uint8Array {
  return Uint8Array.from(createHash('shake256', { outputLength: bytes }).update(label).digest())
}

/** One connection and what it received. Repeats and any order are allowed to a transport, and so here. */
export class Peer implements FrameHandlers {
  readonly self: Endpoint
  /** As `onFrame` was given them, never copied. */
  readonly frames: Uint8Array[] = []
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

  /** What `promise` gives, if it comes in time. */
  within<T>(what: string, promise: Promise<T>): Promise<T> {
    return this.#patience.within(what, promise)
  }

  /** Sends one frame and waits until it is accepted. */
  send(to: Endpoint, frame: Uint8Array, options?: AbortOptions): Promise<void> {
    return this.within('send() did not settle', this.connection.send(to, frame, options))
  }

  /** Waits until each of these frames has arrived. */
  async receives(...expected: readonly Uint8Array[]): Promise<void> {
    let look = () => {}
    const complete = new Promise<void>((resolve) => {
      look = () => {
        if (this.#missing(expected).length === 0) resolve()
      }
    })
    this.#waiting.add(look)
    look()
    try {
      await this.#patience.within(() => this.#complaint(expected), complete)
    } finally {
      this.#waiting.delete(look)
    }
  }

  /** Fails if anything else than these frames has arrived. */
  receivedOnly(...allowed: readonly Uint8Array[]): void {
    const strange = this.frames.filter((frame) => !allowed.some((other) => equal(frame, other)))
    assert.equal(
      strange.length,
      0,
      `${describeEndpoint(this.self)} received ${strange.length} frame(s) not for it.`,
    )
  }

  /** Closes the connection; resolves when it is closed. */
  close(): Promise<void> {
    return this.within('close() did not resolve', this.connection.close())
  }

  #missing(expected: readonly Uint8Array[]): Uint8Array[] {
    return expected.filter((frame) => !this.frames.some((other) => equal(frame, other)))
  }

  #complaint(expected: readonly Uint8Array[]): string {
    const missing = this.#missing(expected)
    const sizes = missing.map((frame) => frame.length.toLocaleString('en-US')).join('; ')
    return (
      `${missing.length} of ${expected.length} frame(s) (bytes: ${sizes}) did not reach ${describeEndpoint(this.self)}, ` +
      `which received ${this.frames.length},`
    )
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

function describeEndpoint({ role, name }: Endpoint): string {
  return `${role} ${JSON.stringify(name)}`
}
