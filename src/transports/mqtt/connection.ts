import type { Duplex } from 'node:stream'
import { onAbort } from '../../core/base/abort.js'
import type { Clock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import { abortError, TetherError, throwIfAborted } from '../../core/base/errors.js'
import {
  type AbortOptions,
  type Connection,
  type ConnectOptions,
  checkEndpoint,
  type Endpoint,
  type FrameHandlers,
} from '../../core/contracts/transport.js'
import type { ConnectPhase } from '../socket/connect-phase.js'
import { type Advice, advised, type Seen } from './advice.js'
import type { MqttSettings, MqttTarget } from './options.js'
import { type MqttSocket, type MqttSockets, openSocket, unreachable } from './socket.js'
import { clientIdPrefix, filterOf, keptTopicOf, newClientId, topicOf } from './topics.js'

/** One MQTT client on one open socket. It fails by destroying the socket with the error that says why. */
export interface MqttClient {
  /** Asks for filters, in one packet; resolves when the broker has granted them. @throws FilterRefused */
  subscribe(filters: readonly string[]): Promise<void>
  /** Gives filters up, in one packet. Absent in the stub's client, which subscribes once. */
  unsubscribe?(filters: readonly string[]): Promise<void>
  /** Writes a message at QoS 0; false when the socket's buffer is full and sends should wait for `drain`. */
  publish(topic: string, payload: Uint8Array, retain?: boolean): boolean
  /** Says DISCONNECT and ends the socket. */
  end(): void
}

/** A filter that the SUBACK did not grant. */
export class FilterRefused extends Error {
  constructor(
    readonly filter: string,
    cause?: Error,
  ) {
    super(`it refused the subscription to '${filter}'`, { cause })
  }
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
  /** Whether a connection is of use that does not watch what is kept: a stub's is. */
  readonly watchesIfAllowed?: boolean
  /** What a connection has beyond a stub's. */
  readonly extend?: (
    connection: MqttConnection,
    client: MqttClient,
    self: Endpoint,
  ) => Pick<Connection, 'serve' | 'keep'>
}

/** A transport's settings, and how they are told to whom they fail. */
export interface MqttConnectSettings extends MqttSettings {
  readonly expiresAt?: number
  readonly advice: Advice
  /** Whether the broker refuses by ending the connection without a word, as AWS IoT does. Elsewhere that is a restart. */
  readonly refusesSilently: boolean
}

/** What one attempt asks for. */
interface Asked extends Pick<ConnectOptions, 'watch' | 'will'> {
  readonly self: Endpoint
  /** Filters that the attempt before asked for. */
  readonly before?: readonly string[]
}

// How long a broker may take to answer our goodbye before the socket is destroyed.
const CLOSE_GRACE_MS = 1_000
/** A broker that ends a connection for a message does so within this time. */
const RECENT_MS = 1_000
const RECENT_TOPICS = 4
/** CONNACK codes of a broker that may accept later: of MQTT 3.1.1, and of MQTT 5. */
const UNAVAILABLE: readonly number[] = [3, 0x88, 0x89]

/**
 * Opens a connection that receives what is sent to `self`: socket, CONNECT, one SUBSCRIBE, in `connectTimeoutMs`. A broker may
 * end the connection for the watched topic and not say so; a stub then connects without it, anew each time, since a policy may
 * begin to hold.
 * @throws TetherError `UNREACHABLE`, with `details.during` and what else was {@link Seen}; `ABORTED`, `INVALID_OPTION` for an
 *   endpoint's part
 */
export async function connectMqtt(
  kind: MqttKind,
  settings: MqttConnectSettings,
  self: Endpoint,
  handlers: FrameHandlers,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { signal } = options
  const { target, clock, connectTimeoutMs } = settings
  checkEndpoint(self)
  throwIfAborted(signal)
  const attempt = new AbortController()
  let connection: MqttConnection | undefined
  const unlisten = onAbort(signal, () => attempt.abort(abortError(signal!)))
  const cancelTimeout = clock.schedule(connectTimeoutMs, () => {
    const late = new Error(`no connection within ${connectTimeoutMs} ms`)
    attempt.abort(unreachable(target, late, connection && { during: connection.during }))
  })
  const connect = async (asked: Asked): Promise<Connection> => {
    connection = undefined
    const opened = await openSocket(kind.sockets, target, attempt.signal)
    connection = new MqttConnection(opened, settings, handlers, asked)
    const client = await connection.begin(kind, attempt.signal)
    return Object.assign(connection, kind.extend?.(connection, client, self))
  }
  const { watch, will } = kind.presence ? options : {}
  try {
    return await connect({ self, ...defined({ watch, will }) }).catch((error: unknown) => {
      const before = topicsOfCut(error)
      if (!kind.watchesIfAllowed || !watch || !before || attempt.signal.aborted) throw error
      return connect({ self, before })
    })
  } catch (error) {
    throw error instanceof TetherError ? advised(error, settings.advice) : error
  } finally {
    cancelTimeout()
    unlisten()
  }
}

/** The filters for which the broker has ended a connection without a word. */
function topicsOfCut(error: unknown): readonly string[] | undefined {
  const { during, refusedFilter, topics }: Seen = error instanceof TetherError ? error.details : {}
  return during === 'subscribe' && refusedFilter === undefined ? topics : undefined
}

/** One connection to an MQTT broker, of a session or of a stub. */
export class MqttConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly expiresAt?: number
  readonly target: MqttTarget
  readonly #socket: Duplex
  readonly #settings: MqttConnectSettings
  readonly #asked: Asked
  readonly #handlers: FrameHandlers
  readonly #ended: Promise<void>
  #client: MqttClient | undefined
  #closing = false
  #over: TetherError | undefined
  /** Whether a frame arrived, which shows that the broker takes what is sent: most frames are answers. */
  #received = false
  #during: ConnectPhase = 'connect'
  /** The topics of the latest messages, a ring. */
  readonly #recent: { readonly topic: string; readonly at: number }[] = []
  #recentIndex = 0
  readonly #waiting = new Set<(error?: TetherError) => void>()

  constructor(
    { socket, ended }: MqttSocket,
    settings: MqttConnectSettings,
    handlers: FrameHandlers,
    asked: Asked,
  ) {
    this.#socket = socket
    this.#asked = asked
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

  /** How far it came. */
  get during(): ConnectPhase {
    return this.#during
  }

  /** Speaks until the subscription is granted; whatever goes wrong leaves no socket behind. */
  async begin(kind: MqttKind, signal: AbortSignal): Promise<MqttClient> {
    const unlisten = onAbort(signal, () => this.#socket.destroy())
    try {
      return await this.untilEnded(this.#handshake(kind))
    } catch (error) {
      this.#socket.destroy()
      await this.#ended
      throw signal.aborted ? signal.reason : unreachable(this.target, error, this.#seen(error))
    } finally {
      unlisten()
    }
  }

  async #handshake({ start }: MqttKind): Promise<MqttClient> {
    const { self, watch, will } = this.#asked
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
        if (topic !== watched) {
          this.#received = true
          this.#handlers.onFrame(payload)
        }
        // An empty one says that somebody has cleared the topic.
        else if (payload.length > 0) this.#handlers.onKept?.(payload)
      },
    })
    this.#client = client
    this.#during = 'subscribe'
    // In one packet: a cold start waits for no second answer.
    await client.subscribe(this.#filters)
    this.#during = 'publish'
    return client
  }

  get #filters(): string[] {
    const { self, watch } = this.#asked
    return [filterOf(self), ...(watch === undefined ? [] : [keptTopicOf(watch)])]
  }

  /** What is known of its end. */
  #seen(cause: unknown): Record<string, unknown> & Seen {
    const { self, will, before = [] } = this.#asked
    const since = this.#settings.clock.now() - RECENT_MS
    const recent = this.#recent.filter(({ at }) => at >= since).map(({ topic }) => topic)
    const established = this.#during === 'publish'
    return {
      during: this.#during,
      role: self.role,
      protocol: this.target.protocol,
      topics: [...new Set(established ? recent : [...this.#filters, ...before])],
      ...(cause === undefined && { silent: true }),
      ...(this.#isRefusal(cause, recent) && { refused: true }),
      ...(this.#during === 'connect' && {
        clientIds: clientIdPrefix(self),
        ...(will && { will: keptTopicOf(self) }),
      }),
      ...(cause instanceof FilterRefused && { refusedFilter: cause.filter }),
    }
  }

  /** Whether the broker does not accept the client, its credentials or its rights. */
  #isRefusal(cause: unknown, recent: readonly string[]): boolean {
    const { code } = (cause ?? {}) as { readonly code?: unknown }
    if (cause instanceof FilterRefused) return true
    if (typeof code === 'number') return !UNAVAILABLE.includes(code)
    // The broker was reached: its end is the answer to CONNECT, SUBSCRIBE or the first messages.
    const answers = this.#during !== 'publish' || (recent.length > 0 && !this.#received)
    return answers && this.#settings.refusesSilently
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
      this.#recent[this.#recentIndex++ % RECENT_TOPICS] = { topic, at: this.#settings.clock.now() }
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
    if (cause instanceof TetherError) return cause
    const { target } = this
    const seen = this.#seen(cause)
    if (this.#during !== 'publish') {
      const word = this.#during.toUpperCase()
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
