import type { Duplex } from 'node:stream'
import type { Clock } from '../core/clock.js'
import { abortError, TetherError, throwIfAborted } from '../core/errors.js'
import {
  type AbortOptions,
  type Connection,
  checkEndpoint,
  type Endpoint,
  type FrameHandlers,
} from '../core/transport.js'
import type { MqttSettings, MqttTarget } from './mqtt-options.js'
import { type MqttSocket, openSocket, unreachable } from './mqtt-socket.js'
import { filterOf, newClientId, topicOf } from './mqtt-topics.js'

/** One MQTT client on one open socket. It fails by destroying the socket with the error that says why. */
export interface MqttClient {
  /** Resolves when the broker has granted the subscription. */
  subscribe(filter: string): Promise<void>
  /** Writes a message at QoS 0; false when the socket's buffer is full and sends should wait for `drain`. */
  publish(topic: string, payload: Uint8Array): boolean
  /** Says DISCONNECT and ends the socket. */
  end(): void
}

/** What a client is started with. */
export interface MqttClientOptions {
  readonly socket: Duplex
  readonly target: MqttTarget
  readonly clientId: string
  readonly frameBytes: number
  readonly clock: Clock
  onPublish(payload: Uint8Array): void
}

/** Says CONNECT on an open socket; resolves at the broker's consent. */
export type StartMqttClient = (options: MqttClientOptions) => Promise<MqttClient>

// How long a broker may take to answer our goodbye before the socket is destroyed.
const CLOSE_GRACE_MS = 1_000

/**
 * Opens a connection that receives what is sent to `self`: socket, CONNECT, one SUBSCRIBE, in `connectTimeoutMs`.
 * @throws TetherError `UNREACHABLE`, `ABORTED`, `INVALID_OPTION` for an endpoint's part
 */
export async function connectMqtt(
  start: StartMqttClient,
  settings: MqttSettings & { readonly expiresAt?: number },
  self: Endpoint,
  handlers: FrameHandlers,
  { signal }: AbortOptions = {},
): Promise<Connection> {
  const { target, clock, connectTimeoutMs } = settings
  checkEndpoint(self)
  throwIfAborted(signal)
  const attempt = new AbortController()
  const onAbort = () => attempt.abort(abortError(signal!))
  signal?.addEventListener('abort', onAbort, { once: true })
  const cancelTimeout = clock.schedule(connectTimeoutMs, () => {
    attempt.abort(unreachable(target, new Error(`no connection within ${connectTimeoutMs} ms`)))
  })
  try {
    const opened = await openSocket(target, attempt.signal)
    const connection = new MqttConnection(opened, settings, handlers)
    await connection.begin(start, self, attempt.signal)
    return connection
  } finally {
    cancelTimeout()
    signal?.removeEventListener('abort', onAbort)
  }
}

class MqttConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly expiresAt?: number
  readonly #socket: Duplex
  readonly #settings: MqttSettings
  readonly #handlers: FrameHandlers
  readonly #ended: Promise<void>
  #client: MqttClient | undefined
  #closing = false
  #over: TetherError | undefined
  readonly #waiting = new Set<(error?: TetherError) => void>()

  constructor(
    { socket, ended }: MqttSocket,
    settings: MqttSettings & { readonly expiresAt?: number },
    handlers: FrameHandlers,
  ) {
    this.#socket = socket
    this.#settings = settings
    this.#handlers = handlers
    if (settings.expiresAt !== undefined) this.expiresAt = settings.expiresAt
    this.#ended = ended.then((error) => {
      this.#over = this.#lost(error)
      this.#wake(this.#closing ? this.#closedError() : this.#over)
    })
    this.closed = this.#ended.then(() => (this.#closing ? undefined : this.#over))
  }

  /** Speaks until the subscription is granted; whatever goes wrong leaves no socket behind. */
  async begin(start: StartMqttClient, self: Endpoint, signal: AbortSignal): Promise<void> {
    const abort = () => this.#socket.destroy()
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    try {
      await Promise.race([
        this.#handshake(start, self),
        this.#ended.then(() => {
          throw this.#over
        }),
      ])
    } catch (error) {
      this.#socket.destroy()
      await this.#ended
      throw signal.aborted ? signal.reason : unreachable(this.#settings.target, error)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #handshake(start: StartMqttClient, self: Endpoint): Promise<void> {
    const { target, frameBytes, clock } = this.#settings
    this.#client = await start({
      socket: this.#socket,
      target,
      clientId: newClientId(self),
      frameBytes,
      clock,
      onPublish: (payload) => {
        if (!this.#closing) this.#handlers.onFrame(payload)
      },
    })
    await this.#client.subscribe(filterOf(self))
  }

  async send(to: Endpoint, frame: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
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
    if (this.#closing) throw this.#closedError()
    if (this.#over !== undefined || this.#socket.destroyed) throw this.#over ?? this.#lost(undefined)
    if (this.#client!.publish(topicOf(to), frame)) return
    await this.#drain(signal)
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

  /** Waits until the socket takes bytes again; one listener, however many sends wait. */
  #drain(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: TetherError) => {
        this.#waiting.delete(settle)
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = () => settle(abortError(signal!))
      signal?.addEventListener('abort', onAbort, { once: true })
      if (this.#waiting.size === 0) this.#socket.once('drain', () => this.#wake())
      this.#waiting.add(settle)
    })
  }

  #wake(error?: TetherError): void {
    for (const settle of [...this.#waiting]) settle(error)
  }

  #closedError(): TetherError {
    return new TetherError('CLOSED', `The connection to ${this.#settings.target.label} was closed.`)
  }

  #lost(cause: Error | undefined): TetherError {
    const { label } = this.#settings.target
    if (cause instanceof TetherError) return cause
    const reason = cause?.message ?? 'the broker closed it'
    return new TetherError(
      'UNREACHABLE',
      `The connection to the MQTT broker at ${label} was lost: ${reason}.`,
      {
        cause,
        ...(cause !== undefined && 'code' in cause && { details: { code: cause.code } }),
      },
    )
  }
}
