import type { ConnectOptions, Endpoint } from '../../core/contracts/transport.js'
import type { ConnectPhase } from '../socket/connect-phase.js'
import type { Advice, Seen } from './advice.js'
import { FilterRefused } from './client.js'
import type { MqttSettings } from './options.js'
import { clientIdPrefix, filterOf, keptTopicOf } from './topics.js'

/** A transport's settings, and how its failures are explained. */
export interface MqttConnectSettings extends MqttSettings {
  readonly expiresAt?: number
  readonly advice: Advice
  /**
   * Whether the broker refuses by ending the connection silently, as AWS IoT does. Other brokers do so when they
   * restart.
   */
  readonly refusesSilently: boolean
}

/** The subscriptions and the will of one attempt. */
export interface Asked extends Pick<ConnectOptions, 'watch' | 'will'> {
  readonly self: Endpoint
  /** The filters of the previous attempt, and the watched names that this attempt leaves out. */
  readonly before?: readonly string[]
  readonly unwatched?: readonly string[]
}

/** Returns the watched sessions that a client can do without: all but a session's own presence. */
export function optionalOf({ self, watch = [] }: Asked): readonly Endpoint[] {
  return watch.filter(({ name }) => self.role === 'stub' || name !== self.name)
}

/** A broker that ends a connection for a message does so within this time. */
const RECENT_MS = 1_000
const RECENT_TOPICS = 4
/** CONNACK codes of a broker that may accept later: of MQTT 3.1.1, and of MQTT 5. */
const UNAVAILABLE: readonly number[] = [3, 0x88, 0x89]

/** Records how far a connection came and its last messages, to explain its end. */
export class ConnectionProgress {
  readonly #settings: MqttConnectSettings
  readonly #asked: Asked
  /** Whether a frame arrived. Most frames are answers, so one shows that the broker accepts our messages. */
  #received = false
  phase: ConnectPhase = 'connect'
  /** The topics of the latest messages, a ring. */
  readonly #recent: { readonly topic: string; readonly at: number }[] = []
  #recentIndex = 0

  constructor(settings: MqttConnectSettings, asked: Asked) {
    this.#settings = settings
    this.#asked = asked
  }

  /** The filters to subscribe to. */
  get filters(): string[] {
    const { self, watch = [] } = this.#asked
    return [filterOf(self), ...watch.map(keptTopicOf)]
  }

  /** The optional filters: without them a stub is slower, and a session does not see its team. */
  get optional(): string[] {
    return optionalOf(this.#asked).map(keptTopicOf)
  }

  /** Records a sent message. */
  sent(topic: string): void {
    this.#recent[this.#recentIndex++ % RECENT_TOPICS] = { topic, at: this.#settings.clock.now() }
  }

  /** Records a received frame. */
  received(): void {
    this.#received = true
  }

  /** Returns the observations about a connection at its end. */
  seen(cause: unknown): Record<string, unknown> & Seen {
    const { self, will, before = [] } = this.#asked
    const since = this.#settings.clock.now() - RECENT_MS
    const recent = this.#recent.filter(({ at }) => at >= since).map(({ topic }) => topic)
    const established = this.phase === 'publish'
    return {
      during: this.phase,
      role: self.role,
      protocol: this.#settings.target.protocol,
      topics: [...new Set(established ? recent : [...this.filters, ...before])],
      ...(cause === undefined && { silent: true }),
      ...(this.#isRefusal(cause, recent) && { refused: true }),
      ...(this.phase === 'connect' && {
        clientIds: clientIdPrefix(self),
        ...(will && { will: keptTopicOf(self) }),
      }),
      ...(cause instanceof FilterRefused && { refusedFilter: cause.filter }),
    }
  }

  /** Whether the broker rejects the client, its credentials or its rights. */
  #isRefusal(cause: unknown, recent: readonly string[]): boolean {
    const { code } = (cause ?? {}) as { readonly code?: unknown }
    if (cause instanceof FilterRefused) return true
    if (typeof code === 'number') return !UNAVAILABLE.includes(code)
    // The broker was reached, so its end is the answer to CONNECT, SUBSCRIBE or the first messages.
    const answers = this.phase !== 'publish' || (recent.length > 0 && !this.#received)
    return answers && this.#settings.refusesSilently
  }
}
