import type { Duplex } from 'node:stream'
import { onAbort } from '../../core/base/abort.js'
import { abortError, TetherError, throwIfAborted } from '../../core/base/errors.js'
import type { AbortOptions, Connection, Endpoint, FrameHandlers } from '../../core/contracts/transport.js'
import type { ConnectPhase } from '../socket/connect-phase.js'
import { advised } from './advice.js'
import type { MqttClient, StartClient } from './client.js'
import type { MqttTarget } from './options.js'
import { type Asked, ConnectionProgress, type MqttConnectSettings } from './progress.js'
import { type MqttSocket, unreachable } from './socket.js'
import { keptTopicOf, newClientId, topicOf } from './topics.js'

// How long a broker may take to answer our goodbye before the socket is destroyed.
const CLOSE_GRACE_MS = 1_000

/** One connection to an MQTT broker, of a session or of a stub. */
export class MqttConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly expiresAt?: number
  unwatched: readonly string[]
  readonly target: MqttTarget
  readonly #socket: Duplex
  readonly #settings: MqttConnectSettings
  readonly #asked: Asked
  readonly #progress: ConnectionProgress
  readonly #handlers: FrameHandlers
  readonly #ended: Promise<void>
  #client: MqttClient | undefined
  #closing = false
  #over: TetherError | undefined
  readonly #waiting = new Set<(error?: TetherError) => void>()

  constructor(
    { socket, ended }: MqttSocket,
    settings: MqttConnectSettings,
    handlers: FrameHandlers,
    asked: Asked,
  ) {
    this.#socket = socket
    this.#asked = asked
    this.#progress = new ConnectionProgress(settings, asked)
    this.target = settings.target
    this.#settings = settings
    this.#handlers = handlers
    this.unwatched = asked.unwatched ?? []
    if (settings.expiresAt !== undefined) this.expiresAt = settings.expiresAt
    this.#ended = ended.then((error) => {
      this.#over = this.#lost(error)
      this.#wake(this.#closing ? this.#closedError() : this.#over)
    })
    this.closed = this.#ended.then(() => (this.#closing ? undefined : this.#over))
  }

  /** The phase that the connection has reached. */
  get during(): ConnectPhase {
    return this.#progress.phase
  }

  /** Runs the handshake until the subscription is granted; a failure leaves no socket behind. */
  async begin(start: StartClient, signal: AbortSignal): Promise<MqttClient> {
    const unlisten = onAbort(signal, () => this.#socket.destroy())
    try {
      return await this.untilEnded(this.#handshake(start))
    } catch (error) {
      this.#socket.destroy()
      await this.#ended
      throw signal.aborted ? signal.reason : unreachable(this.target, error, this.#progress.seen(error))
    } finally {
      unlisten()
    }
  }

  async #handshake(start: StartClient): Promise<MqttClient> {
    const { self, watch, will } = this.#asked
    const { target } = this
    const { frameBytes, clock } = this.#settings
    const watched = new Map(watch?.map((session) => [keptTopicOf(session), session.name]))
    const client = await start({
      socket: this.#socket,
      target,
      clientId: newClientId(self),
      frameBytes,
      clock,
      ...(will && { will: { topic: keptTopicOf(self), payload: will } }),
      onPublish: (topic, payload) => {
        if (this.#closing) return
        const name = watched.get(topic)
        if (name === undefined) {
          this.#progress.received()
          this.#handlers.onFrame(payload)
        }
        // An empty message means that the topic was cleared.
        else if (payload.length > 0) this.#handlers.onKept?.(payload, name)
      },
    })
    this.#client = client
    this.#progress.phase = 'subscribe'
    // One packet, so that a cold start waits for one answer only.
    const refused = await client.subscribe(this.#progress.filters, this.#progress.optional)
    const names = [...watched].flatMap(([topic, name]) => (refused.includes(topic) ? [name] : []))
    this.unwatched = [...this.unwatched, ...names]
    this.#progress.phase = 'publish'
    return client
  }

  /** Returns the result of `work`. @throws the reason if the connection ends first */
  untilEnded<T>(work: Promise<T>): Promise<T> {
    return Promise.race([
      work,
      this.#ended.then(() => {
        throw this.#closing ? this.#closedError() : this.#over
      }),
    ])
  }

  send(to: Endpoint, frame: Uint8Array, { signal }: AbortOptions = {}): Promise<void> | undefined {
    return this.publish(topicOf(to), frame, signal)
  }

  /** Publishes a frame to a topic; otherwise like `send`, with the same errors. */
  publish(topic: string, frame: Uint8Array, signal?: AbortSignal, retain = false): Promise<void> | undefined {
    try {
      this.#check(frame, signal)
      this.#progress.sent(topic)
      return this.#client!.publish(topic, frame, retain) ? undefined : this.#drain(signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #check(frame: Uint8Array, signal: AbortSignal | undefined): void {
    throwIfAborted(signal)
    const { frameBytes } = this.#settings
    if (frame.byteLength > frameBytes) {
      throw new TetherError(
        'TOO_LARGE',
        `A frame of ${frame.byteLength.toLocaleString('en-US')} bytes exceeds ${frameBytes.toLocaleString('en-US')}, ` +
          `the most that one MQTT message carries here. Split it.`,
        { details: { bytes: frame.byteLength, limit: frameBytes } },
      )
    }
    this.throwIfOver()
  }

  /** @throws TetherError `CLOSED`, or why the connection ended */
  throwIfOver(): void {
    if (this.#closing) throw this.#closedError()
    if (this.#over !== undefined || this.#socket.destroyed) throw this.#over ?? this.#lost(undefined)
  }

  async close(): Promise<void> {
    if (!this.#closing && this.#over === undefined) {
      this.#closing = true
      this.#client!.end()
    }
    const cancel = this.#settings.clock.schedule(CLOSE_GRACE_MS, () => this.#socket.destroy())
    await this.#ended
    cancel()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Waits until the socket accepts bytes again. One listener serves all waiting sends. */
  #drain(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: TetherError) => {
        this.#waiting.delete(settle)
        unlisten()
        if (error === undefined) resolve()
        else reject(error)
      }
      const unlisten = onAbort(signal, () => settle(abortError(signal!)))
      if (this.#waiting.size === 0) this.#socket.once('drain', () => this.#wake())
      this.#waiting.add(settle)
    })
  }

  #wake(error?: TetherError): void {
    for (const settle of [...this.#waiting]) settle(error)
  }

  #closedError(): TetherError {
    return new TetherError('CLOSED', `The connection to ${this.target.label} was closed.`)
  }

  #lost(cause: Error | undefined): TetherError {
    if (cause instanceof TetherError) return cause
    const { target } = this
    const seen = this.#progress.seen(cause)
    if (this.during !== 'publish') {
      const word = this.during.toUpperCase()
      return unreachable(
        target,
        cause ?? new Error(`it closed the connection at ${word}, without a word`),
        seen,
      )
    }
    const reason = cause?.message ?? 'the broker closed it'
    const code = cause !== undefined && 'code' in cause ? { code: cause.code } : {}
    const text = `The connection to the MQTT broker at ${target.label} was lost: ${reason}.`
    const error = new TetherError('UNREACHABLE', text, { cause, details: { ...code, ...seen } })
    return advised(error, this.#settings.advice)
  }
}
