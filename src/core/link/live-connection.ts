import { abortError, TetherError, throwIfAborted } from '../base/errors.js'
import type { AbortOptions, Connection, Endpoint } from '../contracts/transport.js'
import type { Pacer } from './pacer.js'

export interface SendOptions extends AbortOptions {
  /** A part of a large message, which lets others pass. */
  readonly bulk?: boolean
}

/** A connection in service, and its rate. Once it is over nothing waits on it, whatever its transport leaves pending. */
export class LiveConnection {
  /** When it came up, in Unix milliseconds. */
  readonly upAt: number
  readonly expiresAt: number | undefined
  /** Resolves when it is over, with why. */
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

  /** Sends within the rate. @throws what `Connection.send` throws; `UNREACHABLE` when the connection ends first */
  send(to: Endpoint, frame: Uint8Array, options: SendOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = options
      const settle = (error?: unknown) => {
        this.#pending.delete(settle)
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = () => settle(abortError(signal!))
      if (this.#over !== undefined) return reject(this.#over)
      this.#pending.add(settle)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#deliver(to, frame, options).then(() => settle(), settle)
    })
  }

  /**
   * Has the broker keep a frame, where it keeps any. @throws what `Connection.keep` throws; `UNREACHABLE` when the
   * connection ends first
   */
  async keep(frame: Uint8Array): Promise<void> {
    const kept = this.connection.keep?.(frame)
    const ended = this.ended.then((error) => {
      throw error
    })
    await Promise.race([kept, ended])
  }

  /** Takes it out of service: what waits for it fails. */
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
      // It is out of service either way, and who closes it can do no more.
    }
  }

  async #deliver(to: Endpoint, frame: Uint8Array, { bulk = false, signal }: SendOptions): Promise<void> {
    const turn = this.pacer.take(frame.length, bulk)
    if (turn !== undefined) await turn
    throwIfAborted(signal)
    await this.connection.send(to, frame, signal === undefined ? {} : { signal })
  }
}
