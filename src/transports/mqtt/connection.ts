import type { Duplex } from 'node:stream'
import { onAbort } from '../../core/base/abort.js'
import type { Clock } from '../../core/base/clock.js'
import { abortError, TetherError, throwIfAborted } from '../../core/base/errors.js'
import {
  type AbortOptions,
  type Connection,
  type ConnectOptions,
  checkEndpoint,
  type Endpoint,
  type FrameHandlers,
} from '../../core/contracts/transport.js'
import type { MqttSettings, MqttTarget } from './options.js'
import { type MqttSocket, type MqttSockets, openSocket, unreachable } from './socket.js'
import { filterOf, keptTopicOf, newClientId, topicOf } from './topics.js'

/** One MQTT client on one open socket. It fails by destroying the socket with the error that says why. */
export interface MqttClient {
  /** Asks for filters, in one packet; resolves when the broker has granted them. */
  subscribe(filters: readonly string[]): Promise<void>
  /** Gives filters up, in one packet. Absent in the stub's client, which subscribes once. */
  unsubscribe?(filters: readonly string[]): Promise<void>
  /** Writes a message at QoS 0; false when the socket's buffer is full and sends should wait for `drain`. */
  publish(topic: string, payload: Uint8Array, retain?: boolean): boolean
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
  /** A retained message that the broker publishes when the connection ends without a DISCONNECT. */
  readonly will?: { readonly topic: string; readonly payload: Uint8Array }
  onPublish(topic: string, payload: Uint8Array): void
}

/** Which client speaks, and what its connections can do. */
export interface MqttKind {
  /** How its sockets are opened. */
  readonly sockets: MqttSockets
  /** Says CONNECT on an open socket; resolves at the broker's consent. */
  readonly start: (options: MqttClientOptions) => Promise<MqttClient>
  /** Whether retained messages are used. */
  readonly presence: boolean
  /** What a connection has beyond a stub's. */
  readonly extend?: (
    connection: MqttConnection,
    client: MqttClient,
    self: Endpoint,
  ) => Pick<Connection, 'serve' | 'keep'>
}

// How long a broker may take to answer our goodbye before the socket is destroyed.
const CLOSE_GRACE_MS = 1_000

/**
 * Opens a connection that receives what is sent to `self`: socket, CONNECT, one SUBSCRIBE, in `connectTimeoutMs`.
 * @throws TetherError `UNREACHABLE`, `ABORTED`, `INVALID_OPTION` for an endpoint's part
 */
export async function connectMqtt(
  kind: MqttKind,
  settings: MqttSettings & { readonly expiresAt?: number },
  self: Endpoint,
  handlers: FrameHandlers,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { signal } = options
  const { target, clock, connectTimeoutMs } = settings
  checkEndpoint(self)
  throwIfAborted(signal)
  const attempt = new AbortController()
  const unlisten = onAbort(signal, () => attempt.abort(abortError(signal!)))
  const cancelTimeout = clock.schedule(connectTimeoutMs, () => {
    attempt.abort(unreachable(target, new Error(`no connection within ${connectTimeoutMs} ms`)))
  })
  try {
    const opened = await openSocket(kind.sockets, target, attempt.signal)
    const connection = new MqttConnection(opened, settings, handlers)
    const client = await connection.begin(kind, self, attempt.signal, kind.presence ? options : {})
    return Object.assign(connection, kind.extend?.(connection, client, self))
  } finally {
    cancelTimeout()
    unlisten()
  }
}

/** One connection to an MQTT broker, of a session or of a stub. */
export class MqttConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly expiresAt?: number
  readonly target: MqttTarget
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
    this.target = settings.target
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
  async begin(
    kind: MqttKind,
    self: Endpoint,
    signal: AbortSignal,
    kept: Pick<ConnectOptions, 'watch' | 'will'>,
  ): Promise<MqttClient> {
    const unlisten = onAbort(signal, () => this.#socket.destroy())
    try {
      return await this.untilEnded(this.#handshake(kind, self, kept))
    } catch (error) {
      this.#socket.destroy()
      await this.#ended
      throw signal.aborted ? signal.reason : unreachable(this.target, error)
    } finally {
      unlisten()
    }
  }

  async #handshake(
    { start }: MqttKind,
    self: Endpoint,
    { watch, will }: Pick<ConnectOptions, 'watch' | 'will'>,
  ): Promise<MqttClient> {
    const { target } = this
    const { frameBytes, clock } = this.#settings
    const watched = watch && keptTopicOf(watch)
    const client = await start({
      socket: this.#socket,
      target,
      clientId: newClientId(self),
      frameBytes,
      clock,
      ...(will && { will: { topic: keptTopicOf(self), payload: will } }),
      onPublish: (topic, payload) => {
        if (this.#closing) return
        if (topic !== watched) this.#handlers.onFrame(payload)
        // An empty one says that somebody has cleared the topic.
        else if (payload.length > 0) this.#handlers.onKept?.(payload)
      },
    })
    this.#client = client
    // In one packet: a cold start waits for no second answer.
    await client.subscribe([filterOf(self), ...(watched === undefined ? [] : [watched])])
    return client
  }

  /** What `work` gives. @throws why the connection ended, if it ends first */
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

  /** Sends a frame to a topic, as `send` does. @throws what `send` throws */
  publish(topic: string, frame: Uint8Array, signal?: AbortSignal, retain = false): Promise<void> | undefined {
    try {
      this.#check(frame, signal)
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

  /** Waits until the socket takes bytes again; one listener, however many sends wait. */
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
    const { label } = this.target
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
