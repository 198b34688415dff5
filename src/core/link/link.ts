import { onAbort } from '../base/abort.js'
import { elapsedMs } from '../base/bounded-time.js'
import type { Cancel } from '../base/clock.js'
import { abortError, TetherError, throwIfAborted } from '../base/errors.js'
import type { AbortOptions, Endpoint } from '../contracts/transport.js'
import { attemptConnection, type ConnectionOptions } from './attempt.js'
import { Backoff } from './backoff.js'
import type { LiveConnection, SendOptions } from './live-connection.js'

/** A link's reports of its state. */
export type LinkStatus =
  | { readonly state: 'connecting'; readonly attempt: number }
  | { readonly state: 'connected' }
  | { readonly state: 'disconnected'; readonly error: TetherError | undefined; readonly retryInMs: number }
  | { readonly state: 'closed' }

export interface LinkOptions extends ConnectionOptions {
  onStatus?(status: LinkStatus): void
  /** From 0 to 1, for jitter. @default Math.random */
  readonly random?: () => number
}

/** A connection that was up this long counts as accepted. */
const HEALTHY_MS = 1_000
// A successor is opened this long before the broker ends the connection; the old one is kept this long afterwards.
const SUCCESSOR_LEAD_MS = 60_000
/** The minimum time from one connection to its successor. */
const SUCCESSOR_AFTER_MS = 250
const OLD_DRAINS_MS = 1_000

/**
 * One endpoint's lasting presence on a transport, and the only code that reconnects. Backs off after failures; replaces
 * a connection before its announced end.
 */
export class Link {
  readonly #options: LinkOptions
  readonly #stopped = new AbortController()
  readonly #backoff: Backoff
  readonly #waiting = new Set<() => void>()
  readonly #retiring = new Set<LiveConnection>()
  readonly #up = new Set<LiveConnection>()
  #endedMs = 0
  #live: LiveConnection | undefined
  #lastError: TetherError | undefined
  #activeAt = 0
  #started = false
  #loop: Promise<void> | undefined
  #skipBackoff: (() => void) | undefined
  #requestRenewal: (() => void) | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
  }

  /** Whether a connection is up, as far as this side knows. */
  get connected(): boolean {
    return this.#live !== undefined && !this.#live.over
  }

  /** Whether it was stopped for good. */
  get stopped(): boolean {
    return this.#stopped.signal.aborted
  }

  /** Why the last attempt or connection failed. */
  get lastError(): TetherError | undefined {
    return this.#lastError
  }

  /** When a frame last arrived or was sent, in Unix milliseconds: wall clock time, which continues during a freeze. */
  get activeAt(): number {
    return this.#activeAt
  }

  /** Total time of connections, in milliseconds, including those still up. */
  get connectedMs(): number {
    const now = this.#options.clock.now()
    return [...this.#up].reduce((sum, { upAt }) => sum + Math.max(0, now - upAt), this.#endedMs)
  }

  /** The connection in service, if one is up. */
  get live(): LiveConnection | undefined {
    return this.connected ? this.#live : undefined
  }

  /** Connects once and throws if that fails; afterwards keeps the link alive. */
  async open(options: AbortOptions = {}): Promise<void> {
    this.#options.onStatus?.({ state: 'connecting', attempt: 1 })
    try {
      const live = await this.#connect(options.signal)
      this.#started = true
      this.#loop = this.#run(live)
    } catch (error) {
      this.#options.onStatus?.({ state: 'closed' })
      throw error
    }
  }

  /** Keeps the link alive from now on and connects in the background. Idempotent. */
  start(): void {
    if (this.#started) return
    this.#started = true
    this.#loop = this.#run(undefined)
  }

  /** Resolves when a connection is up. Tries at once, or after the back-off if `patient`. */
  async ready({
    signal,
    patient = false,
  }: AbortOptions & { readonly patient?: boolean } = {}): Promise<void> {
    throwIfAborted(signal)
    this.#throwIfStopped()
    if (this.connected) return
    if (!patient) this.#skipBackoff?.()
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        this.#waiting.delete(settle)
        unlisten()
        if (signal?.aborted) reject(abortError(signal))
        else if (this.#stopped.signal.aborted) reject(closed())
        else resolve()
      }
      this.#waiting.add(settle)
      const unlisten = onAbort(signal, settle)
    })
  }

  /**
   * Sends one frame on the current connection, within its rate; returns undefined if already done.
   * @throws errors of `Connection.send`
   */
  send(to: Endpoint, frame: Uint8Array, options: SendOptions = {}): Promise<void> | undefined {
    if (this.#stopped.signal.aborted) return Promise.reject(closed())
    const { live } = this
    if (live === undefined) {
      const cause = this.#lastError
      return Promise.reject(
        new TetherError('UNREACHABLE', 'There is no connection to the broker.', { cause }),
      )
    }
    const sending = live.send(to, frame, options)
    if (sending !== undefined) return sending.then(() => this.#sent(to, frame))
    this.#sent(to, frame)
    return undefined
  }

  /** Opens another connection at once; the current one, if still alive, serves until then. */
  renew(): void {
    this.#requestRenewal?.()
  }

  /** Drops the current connection, known to be useless, and opens another at once. */
  replace(): void {
    const live = this.#live
    if (live === undefined) return
    this.#requestRenewal?.()
    this.#down(live)
  }

  /** Ends the link. Idempotent; resolves when its connection is closed. */
  async stop(): Promise<void> {
    if (!this.#stopped.signal.aborted) {
      this.#stopped.abort(closed())
      this.#skipBackoff?.()
      this.#wake()
      this.#options.onStatus?.({ state: 'closed' })
    }
    await this.#loop
    await Promise.all([...this.#retiring].map((live) => live.discard()))
  }

  async #run(first: LiveConnection | undefined): Promise<void> {
    const stopped = this.#stopped.signal
    let live = first
    let renewing = false
    while (!stopped.aborted) {
      if (live?.over) {
        void live.discard()
        live = undefined
      }
      if (live === undefined || renewing) {
        if (live === undefined)
          this.#options.onStatus?.({ state: 'connecting', attempt: this.#backoff.failures + 1 })
        try {
          const successor = await this.#connect(stopped)
          if (live !== undefined) this.#retire(live)
          live = successor
          renewing = false
        } catch {
          // #connect recorded the error.
          if (!stopped.aborted) await this.#backOff()
        }
        continue
      }
      renewing = (await this.#watch(live)) === 'renew'
      // A broker that accepts and drops at once gets the same back-off as a broker that refuses.
      if (elapsedMs(this.#options.clock, live.upAt) >= HEALTHY_MS) this.#backoff.succeeded()
      if (renewing || stopped.aborted) continue
      this.#down(live)
      await this.#backOff()
    }
    if (live === undefined) return
    this.#down(live)
    await live.discard()
  }

  /** Closes a replaced connection once frames under way on it have arrived. */
  #retire(old: LiveConnection): void {
    this.#retiring.add(old)
    this.#options.clock.schedule(old.over ? 0 : OLD_DRAINS_MS, () => {
      this.#retiring.delete(old)
      void old.discard()
    })
  }

  async #connect(signal: AbortSignal | undefined): Promise<LiveConnection> {
    const { clock } = this.#options
    throwIfAborted(signal)
    const stopped = this.#stopped.signal
    const combined = signal === undefined || signal === stopped ? stopped : AbortSignal.any([signal, stopped])
    const onActivity = () => {
      this.#activeAt = clock.now()
    }
    let live: LiveConnection
    try {
      live = await attemptConnection(this.#options, combined, onActivity)
    } catch (error) {
      this.#lastError = error as TetherError
      throw error
    }
    this.#live = live
    this.#up.add(live)
    void live.ended.then(() => {
      this.#up.delete(live)
      this.#endedMs += Math.max(0, clock.now() - live.upAt)
    })
    onActivity()
    this.#options.onStatus?.({ state: 'connected' })
    this.#wake()
    return live
  }

  /** Waits for the end of a connection's service: its own end, its known expiry, or a request for another. */
  #watch(live: LiveConnection): Promise<'closed' | 'renew'> {
    const { clock } = this.#options
    let cancel: Cancel | undefined
    let unlisten = () => {}
    return new Promise<'closed' | 'renew'>((resolve) => {
      this.#requestRenewal = () => resolve('renew')
      unlisten = onAbort(this.#stopped.signal, () => resolve('closed'))
      const { expiresAt } = live
      if (expiresAt !== undefined) {
        const leftMs = expiresAt - clock.now()
        const delayMs = Math.max(leftMs - SUCCESSOR_LEAD_MS, leftMs / 2, SUCCESSOR_AFTER_MS)
        cancel = clock.schedule(delayMs, () => resolve('renew'))
      }
      void live.ended.then((error) => {
        this.#lastError = error
        resolve('closed')
      })
    }).finally(() => {
      this.#requestRenewal = undefined
      cancel?.()
      unlisten()
    })
  }

  #down(live: LiveConnection): void {
    if (this.#live === live) this.#live = undefined
    live.end()
  }

  async #backOff(): Promise<void> {
    const { clock, onStatus } = this.#options
    const retryInMs = this.#backoff.failed()
    // If only a successor failed, the old connection still serves.
    if (!this.connected) onStatus?.({ state: 'disconnected', error: this.#lastError, retryInMs })
    // A caller is waiting for the connection that just broke: try once at once.
    if (this.#backoff.failures === 1 && this.#waiting.size > 0) return
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(retryInMs, resolve)
      this.#skipBackoff = () => {
        cancel()
        resolve()
      }
    })
    this.#skipBackoff = undefined
  }

  #wake(): void {
    for (const settle of [...this.#waiting]) settle()
  }

  #sent(to: Endpoint, frame: Uint8Array): void {
    this.#options.counters?.frameSent(to, frame.length)
    this.#activeAt = this.#options.clock.now()
  }

  #throwIfStopped(): void {
    if (this.#stopped.signal.aborted) throw closed()
  }
}

function closed(): TetherError {
  return new TetherError('CLOSED', 'The link to the broker was closed.')
}
