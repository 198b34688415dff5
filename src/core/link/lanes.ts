import { delay } from '../base/delay.js'
import type { TetherError } from '../base/errors.js'
import { type AbortOptions, type Connection, type Endpoint, LANES } from '../contracts/transport.js'
import { Backoff } from './backoff.js'
import { Link, type LinkOptions, type LinkStatus } from './link.js'
import type { LiveConnection, SendOptions } from './live-connection.js'

export interface LanesOptions extends Omit<LinkOptions, 'lane' | 'prepare'> {
  /** The limit on simultaneous connections. */
  readonly max: number
}

const ALL = Array.from({ length: LANES }, (_, lane) => lane)

/**
 * A session's connections: at first one, and more when their traffic nears the broker's limits, with the session's
 * lanes divided among them. Each frame is sent on the connection with the most free rate.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #shares: Share[]
  readonly #backoff: Backoff
  readonly #stopped = new AbortController()
  /** Whether another connection is being opened, or the next attempt is not due yet. */
  #growing = false
  #dividing: Promise<void> = Promise.resolve()
  /** Whether the last status reported a connection. */
  #connected = false

  constructor(options: LanesOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
    this.#shares = [this.#share(0)]
  }

  /** The number of connections that are up. */
  get connections(): number {
    return this.#up.length
  }

  /** The number of lanes that each open connection receives. */
  get sizes(): readonly number[] {
    return this.#up.map(({ size }) => size)
  }

  /** Total time of all connections, in milliseconds. */
  get connectedMs(): number {
    return this.#shares.reduce((sum, { link }) => sum + link.connectedMs, 0)
  }

  /** Connects once and throws if that fails; afterwards keeps connections alive. */
  open(options: AbortOptions = {}): Promise<void> {
    return this.#shares[0]!.link.open(options)
  }

  /**
   * Sends one frame within the rate of a connection; returns undefined if already done.
   * @throws errors of `Connection.send`
   */
  send(to: Endpoint, frame: Uint8Array, options: SendOptions = {}): Promise<void> | undefined {
    const freest = this.#shares.reduce((best, share) => (share.headroom > best.headroom ? share : best))
    if (freest.headroom <= 0) this.#grow()
    return freest.link.send(to, frame, options)
  }

  /** See `Connection.keep`; does nothing without a connection. */
  async keep(frame: Uint8Array): Promise<void> {
    const live = this.watching
    if (live === undefined) return
    this.#options.counters?.frameKept(this.#options.self, frame.length)
    await live.keep(frame)
  }

  /** The connection that receives kept frames, if it is up. */
  get watching(): LiveConnection | undefined {
    return this.#shares[0]!.link.live
  }

  /** Ends every connection. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all(this.#shares.map(({ link }) => link.stop()))
  }

  get #up(): Share[] {
    return this.#shares.filter(({ link }) => link.connected)
  }

  #share(index: number): Share {
    const { will, watch, onKept, ...options } = this.#options
    const presence = {
      ...(will === undefined ? {} : { will }),
      ...(watch === undefined ? {} : { watch }),
      ...(onKept === undefined ? {} : { onKept }),
    }
    const share: Share = new Share(index === 0 ? undefined : [index], {
      ...options,
      // The first connection alone carries the session's presence.
      ...(index === 0 ? presence : {}),
      onFrame: (frame) => {
        options.onFrame(frame)
        if (share.headroom <= 0) this.#grow()
      },
      onStatus: (status) => this.#onStatus(status, index),
    })
    return share
  }

  /**
   * Opens one more connection, unless an attempt failed a moment ago. Until it is up, the existing ones carry the load.
   */
  #grow(): void {
    const { max, transport } = this.#options
    if (this.#growing || this.#stopped.signal.aborted || this.#shares.length >= Math.min(max, LANES)) return
    if (transport.limits.rate === undefined || !this.#shares.every(({ divisible }) => divisible)) return
    this.#growing = true
    void this.#openAnother().finally(() => {
      this.#growing = false
    })
  }

  /** Never rejects. */
  async #openAnother(): Promise<void> {
    const { signal } = this.#stopped
    const share = this.#share(this.#shares.length)
    try {
      await share.link.open({ signal })
    } catch {
      await delay(this.#backoff.failed(), { clock: this.#options.clock, signal }).catch(() => {})
      return
    }
    this.#backoff.succeeded()
    this.#shares.push(share)
    if (signal.aborted) void share.link.stop()
    this.#divide()
  }

  /** Divides the lanes among the open connections. New lanes are received before old ones are released. */
  #divide(): void {
    this.#dividing = this.#dividing.then(async () => {
      const up = this.#up
      if (up.length === 0 || this.#shares.length === 1) return
      const parts = up.map((share, i) => ({ share, lanes: ALL.filter((lane) => lane % up.length === i) }))
      await Promise.all(parts.map(({ share, lanes }) => share.receive(lanes)))
      await Promise.all(parts.map(({ share, lanes }) => share.serve(lanes)))
    })
  }

  // A broken connection leaves its lanes to the others until it is back. No status is reported while another one is up.
  #onStatus(status: LinkStatus, index: number): void {
    if (this.#shares.length > 1) this.#divide()
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

/** One lasting connection and the lanes that it receives. */
class Share {
  readonly link: Link
  /** Undefined, meaning all lanes, until they are divided. */
  #lanes: readonly number[] | undefined

  constructor(lanes: readonly number[] | undefined, options: LinkOptions) {
    this.#lanes = lanes
    this.link = new Link({
      ...options,
      lane: () => this.#lanes?.[0],
      prepare: async (connection) => {
        // More lanes may be assigned to it meanwhile.
        for (let served: readonly number[] | undefined; served !== this.#lanes; ) {
          served = this.#lanes
          await connection.serve?.(served!)
        }
      },
    })
  }

  /** The number of lanes that it receives. */
  get size(): number {
    return this.#lanes?.length ?? LANES
  }

  /** See `Pacer.headroom`; minus infinity without a connection. */
  get headroom(): number {
    return this.link.live?.pacer.headroom ?? Number.NEGATIVE_INFINITY
  }

  /** Whether it is connected and can receive a subset of the lanes. */
  get divisible(): boolean {
    return this.#connection?.serve !== undefined
  }

  /** Receives these lanes as well. Never rejects. */
  async receive(lanes: readonly number[]): Promise<void> {
    if (this.#lanes !== undefined) await this.serve([...new Set([...this.#lanes, ...lanes])])
  }

  /** Sets the lanes to receive, on this connection and its successors. Never rejects. */
  async serve(lanes: readonly number[]): Promise<void> {
    this.#lanes = lanes
    const { live } = this.link
    try {
      await live?.connection.serve?.(lanes)
    } catch (error) {
      live?.end(error as TetherError)
    }
  }

  get #connection(): Connection | undefined {
    return this.link.live?.connection
  }
}
