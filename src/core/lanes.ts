import type { SendOptions } from './live-connection.js'
import { Link, type LinkOptions, type LinkStatus } from './reconnect.js'
import { type AbortOptions, type Endpoint, LANES } from './transport.js'

export interface LanesOptions extends Omit<LinkOptions, 'lanes'> {
  /** The most connections at once. */
  readonly max: number
}

const ALL = Array.from({ length: LANES }, (_, lane) => lane)

/**
 * A session's connections: one, and more when what they carry nears the broker's limits, with the session's lanes divided
 * among them. What is sent leaves by the one that has most of its rate left.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #links: Link[]
  #growing = false
  #dividing: Promise<void> = Promise.resolve()
  #stopped = false
  /** Whether the last status told that something is connected. */
  #connected = false

  constructor(options: LanesOptions) {
    this.#options = options
    this.#links = [this.#link(0)]
  }

  /** How many connections are up. */
  get connections(): number {
    return this.#up.length
  }

  /** How long connections were up, in milliseconds, all together. */
  get connectedMs(): number {
    return this.#links.reduce((sum, { connectedMs }) => sum + connectedMs, 0)
  }

  /** Connects once and throws if that fails; from then on keeps connections alive. */
  open(options: AbortOptions = {}): Promise<void> {
    return this.#links[0]!.open(options)
  }

  /** Sends one frame within the rate of a connection. @throws what `Connection.send` throws */
  async send(to: Endpoint, frame: Uint8Array, options: SendOptions = {}): Promise<void> {
    const freest = this.#freest()
    if (freest.headroom <= 0) this.#grow()
    await freest.send(to, frame, options)
  }

  /** See `Connection.keep`. */
  keep(frame: Uint8Array): Promise<void> {
    return this.#links[0]!.keep(frame)
  }

  /** Ends every connection. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#links.map((link) => link.stop()))
  }

  get #up(): Link[] {
    return this.#links.filter(({ connected }) => connected)
  }

  #freest(): Link {
    return this.#links.reduce((best, link) => (link.headroom > best.headroom ? link : best))
  }

  #link(index: number): Link {
    const { will, onFrame, onStatus: _, ...options } = this.#options
    const link: Link = new Link({
      ...options,
      // What others are to know of the session, its first connection tells them.
      ...(index === 0 && will !== undefined ? { will } : {}),
      ...(index === 0 ? {} : { lanes: ALL.filter((lane) => lane % (index + 1) === index) }),
      onFrame: (frame) => {
        onFrame(frame)
        if (link.headroom <= 0) this.#grow()
      },
      onStatus: (status) => this.#onStatus(status, index),
    })
    return link
  }

  /** Opens one more connection. What cannot be had is tried again when it is next needed. */
  #grow(): void {
    const { max, transport } = this.#options
    if (this.#growing || this.#stopped || this.#links.length >= Math.min(max, LANES)) return
    if (transport.limits.rate === undefined || !this.#links.every(({ divisible }) => divisible)) return
    this.#growing = true
    const link = this.#link(this.#links.length)
    link
      .open()
      .then(
        () => {
          this.#links.push(link)
          // The one before all of them may have been the last to be stopped.
          if (this.#stopped) void link.stop()
          this.#divide()
        },
        () => {
          // Those that there are do what they can.
        },
      )
      .finally(() => {
        this.#growing = false
      })
  }

  /** Divides the lanes among the connections that are up: new ones are received before old ones are let go. */
  #divide(): void {
    this.#dividing = this.#dividing.then(async () => {
      const up = this.#up
      if (up.length === 0 || this.#links.length === 1) return
      const shares = up.map((link, i) => ({ link, lanes: ALL.filter((lane) => lane % up.length === i) }))
      await Promise.all(shares.map(({ link, lanes }) => link.receive(lanes)))
      await Promise.all(shares.map(({ link, lanes }) => link.serve(lanes)))
    })
  }

  // One that breaks leaves its lanes to the others until it is back; nobody is told while one is up.
  #onStatus(status: LinkStatus, index: number): void {
    if (this.#links.length > 1) this.#divide()
    const first = index === 0
    const before = this.#connected
    this.#connected = this.#up.length > 0
    const news =
      status.state === 'closed'
        ? first
        : status.state === 'connected'
          ? first || !before
          : !this.#connected && (first || before)
    if (news) this.#options.onStatus?.(status)
  }
}
