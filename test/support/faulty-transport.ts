import { defined } from '../../src/core/base/defined.js'
import { TetherError } from '../../src/core/base/errors.js'
import type { Connection, Endpoint, Transport } from '../../src/index.js'

export interface Passing {
  readonly to: Endpoint
  readonly frame: Uint8Array
  /** Counts all frames from 0. */
  readonly index: number
}

/** A transport whose frames and connections a test decides about. */
export class FaultyTransport implements Transport {
  readonly name: string
  readonly limits: Transport['limits']
  readonly keeps: NonNullable<Transport['keeps']>
  /** Every frame that was sent, in order. */
  readonly passed: Passing[] = []
  /** What becomes of a frame: nothing, itself, or several. */
  filter: (passing: Passing) => Uint8Array[] = ({ frame }) => [frame]
  /** Throws to refuse a connection. */
  admit: (self: Endpoint) => void = () => {}
  readonly #inner: Transport
  readonly #live = new Set<{ self: Endpoint; cut(): void; silence(): void }>()

  constructor(inner: Transport) {
    this.#inner = inner
    this.name = inner.name
    this.limits = inner.limits
    this.keeps = inner.keeps!
  }

  async connect(...[self, handlers, options]: Parameters<Transport['connect']>): Promise<Connection> {
    this.admit(self)
    let deaf = false
    const inner = await this.#inner.connect(
      self,
      {
        onFrame: (frame) => (deaf ? undefined : handlers.onFrame(frame)),
        onKept: (frame, name) => (deaf ? undefined : handlers.onKept?.(frame, name)),
      },
      options,
    )
    let cut = (): void => {}
    const isCut = new Promise<TetherError>((resolve) => {
      cut = () => {
        deaf = true
        resolve(new TetherError('UNREACHABLE', 'The connection was cut.'))
      }
    })
    const silence = () => {
      deaf = true
    }
    const live = { self, cut, silence }
    this.#live.add(live)
    const close = async () => {
      this.#live.delete(live)
      await inner.close()
    }
    void isCut.then(async () => {
      // A broker publishes the will of a connection that breaks.
      if (options?.will !== undefined) await inner.keep!(options.will)
      await close()
    })
    return {
      closed: Promise.race([isCut, inner.closed]),
      close,
      [Symbol.asyncDispose]: close,
      serve: (lanes) => inner.serve!(lanes),
      keep: async (frame) => (deaf ? undefined : inner.keep!(frame)),
      ...defined({ unwatched: inner.unwatched }),
      send: async (to, frame, sendOptions) => {
        // What sessions say to each other is none of a test's business that does not ask for it.
        if (self.role === to.role) return deaf ? undefined : inner.send(to, frame, sendOptions)
        const passing = { to, frame, index: this.passed.length }
        this.passed.push(passing)
        if (deaf) return
        for (const kept of this.filter(passing)) await inner.send(to, kept, sendOptions)
      },
    }
  }

  /** How many connections are up. */
  connections(role?: Endpoint['role']): number {
    return [...this.#live].filter(({ self }) => role === undefined || self.role === role).length
  }

  /** Ends the connections of one role with an error. */
  cut(role: Endpoint['role']): void {
    for (const live of [...this.#live]) if (live.self.role === role) live.cut()
  }

  /** Makes the connections of one role look alive and carry nothing. */
  silence(role: Endpoint['role']): void {
    for (const live of this.#live) if (live.self.role === role) live.silence()
  }

  /** Frames sent to one role since the last call. */
  take(role: Endpoint['role']): Passing[] {
    return this.passed.splice(0).filter(({ to }) => to.role === role)
  }
}
