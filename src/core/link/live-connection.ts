import { onAbort } from '../base/abort.js'
import { abortError, TetherError, throwIfAborted } from '../base/errors.js'
import type { AbortOptions, Connection, Endpoint } from '../contracts/transport.js'
import type { Pacer } from './pacer.js'

export interface SendOptions extends AbortOptions {
  /** A part of a large message, which lets others pass. */
  readonly bulk?: boolean
}

const NO_SIGNAL: AbortOptions = {}

/**
 * A connection in service, with its rate. Once it is over, all waits on it end, even if the transport leaves calls
 * pending.
 */
export class LiveConnection {
  /** When it came up, in Unix milliseconds. */
  readonly upAt: number
  readonly expiresAt: number | undefined
  /** Resolves when it is over, with the reason. */
  readonly ended: Promise<TetherError>
  readonly connection: Connection
  readonly pacer: Pacer
  readonly #pending = new Set<(error: TetherError) => void>()
  #over: TetherError | undefined
  #resolveEnded: (error: TetherError) => void = () => {}

  constructor(connection: Connection, pacer: Pacer, upAt: number) {
    this.connection = connection
    this.pacer = pacer
    this.upAt = upAt
    this.expiresAt = connection.expiresAt
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    void connection.closed.then((error) => this.end(error))
  }

  get over(): boolean {
    return this.#over !== undefined
  }

  /**
   * Sends within the rate; returns undefined if already done, as `Connection.send` does.
   * @throws errors of `Connection.send`; `UNREACHABLE` when the connection ends first
   */
  send(to: Endpoint, frame: Uint8Array, options: SendOptions): Promise<void> | undefined {
    const { signal, bulk = false } = options
    if (this.#over !== undefined) return Promise.reject(this.#over)
    if (signal?.aborted) return Promise.reject(abortError(signal))
    const turn = this.pacer.take(frame.length, bulk)
    if (turn !== undefined) return this.#untilOver(this.#deliver(turn, to, frame, signal), signal)
    const sending = this.#transmit(to, frame, signal)
    return sending && this.#untilOver(sending, signal)
  }

  /**
   * Has the broker keep a frame, if it keeps any.
   * @throws errors of `Connection.keep`; `UNREACHABLE` when the connection ends first
   */
  async keep(frame: Uint8Array): Promise<void> {
    const kept = this.connection.keep?.(frame)
    const ended = this.ended.then((error) => {
      throw error
    })
    await Promise.race([kept, ended])
  }

  /**
   * See `Connection.look`; undefined if the broker delivers kept frames unasked.
   * @throws errors of `Connection.look`
   */
  async look(): Promise<readonly string[] | undefined> {
    const { connection } = this
    const ended = this.ended.then((error) => {
      throw error
    })
    return Promise.race([connection.look?.(), ended])
  }

  /** Takes it out of service: pending sends fail. */
  end(reason?: TetherError): void {
    if (this.#over !== undefined) return
    this.#over = reason ?? new TetherError('UNREACHABLE', 'The connection to the broker has ended.')
    this.pacer.close()
    for (const fail of [...this.#pending]) fail(this.#over)
    this.#resolveEnded(this.#over)
  }

  /** Ends and closes it; never rejects. */
  async discard(): Promise<void> {
    this.end()
    try {
      await this.connection.close()
    } catch {
      // It is out of service either way, and nothing more can be done.
    }
  }

  async #deliver(
    turn: Promise<void>,
    to: Endpoint,
    frame: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await turn
    throwIfAborted(signal)
    await this.#transmit(to, frame, signal)
  }

  // A custom transport may throw instead of rejecting.
  #transmit(to: Endpoint, frame: Uint8Array, signal: AbortSignal | undefined): Promise<void> | undefined {
    try {
      return this.connection.send(to, frame, signal === undefined ? NO_SIGNAL : { signal })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Settles like `sending`, or earlier when the connection is over or the signal fires. */
  #untilOver(sending: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let unlisten = () => {}
      const settle = (error?: unknown) => {
        this.#pending.delete(settle)
        unlisten()
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#pending.add(settle)
      unlisten = onAbort(signal, () => settle(abortError(signal!)))
      sending.then(() => settle(), settle)
    })
  }
}
