import { type Endpoint, LANES } from '../../core/contracts/transport.js'
import type { MqttClient } from './client.js'
import type { MqttKind } from './connect.js'
import type { MqttConnection } from './connection.js'
import type { MqttOptions } from './options.js'
import { preloadPackage, startPackageClient } from './package.js'
import { sessionSockets } from './session-sockets.js'
import { unreachable } from './socket.js'
import { filterOf, keptTopicOf } from './topics.js'

/** The developer's side of MQTT: with lanes and, unless disabled, with retained presence. */
export function sessionKind({ presence = true, agent }: Pick<MqttOptions, 'presence' | 'agent'>): MqttKind {
  preloadPackage()
  return {
    sockets: sessionSockets({ agent }),
    start: startPackageClient,
    presence,
    extend(connection, client, self) {
      if (self.role !== 'session') return {}
      const subscriptions = new LaneSubscriptions(connection, client, self)
      return {
        serve: (lanes) => subscriptions.serve(lanes),
        ...(presence && {
          keep: async (frame: Uint8Array) => connection.publish(keptTopicOf(self), frame, undefined, true),
        }),
      }
    },
  }
}

// AWS IoT accepts no more topic filters in one packet.
const FILTERS_PER_PACKET = 8

/** Keeps the filters of one connection in step with the lanes that it serves. */
class LaneSubscriptions {
  readonly #connection: MqttConnection
  readonly #client: MqttClient
  readonly #self: Endpoint
  readonly #held: Set<string>
  #last: Promise<void> = Promise.resolve()

  constructor(connection: MqttConnection, client: MqttClient, self: Endpoint) {
    this.#connection = connection
    this.#client = client
    this.#self = self
    this.#held = new Set([filterOf(self)])
  }

  /** Runs one change after the other, each from the result of the previous one. */
  serve(lanes: readonly number[]): Promise<void> {
    const change = this.#last.then(() => this.#change(this.#filtersOf(lanes)))
    this.#last = change.catch(() => {})
    return change
  }

  // Subscribes first, so that a lane that moves from the common filter to its own loses nothing in between.
  async #change(wanted: ReadonlySet<string>): Promise<void> {
    for (const filters of packets([...wanted].filter((filter) => !this.#held.has(filter)))) {
      await this.#ask(this.#client.subscribe(filters))
      for (const filter of filters) this.#held.add(filter)
    }
    for (const filters of packets([...this.#held].filter((filter) => !wanted.has(filter)))) {
      await this.#ask(this.#client.unsubscribe!(filters))
      for (const filter of filters) this.#held.delete(filter)
    }
  }

  async #ask(answer: Promise<unknown>): Promise<void> {
    try {
      await this.#connection.untilEnded(answer)
    } catch (error) {
      this.#connection.throwIfOver()
      throw unreachable(this.#connection.target, error)
    }
  }

  #filtersOf(lanes: readonly number[]): ReadonlySet<string> {
    const { lane: _own, ...all } = this.#self
    const each = new Set(lanes)
    if (each.size === LANES) return new Set([filterOf(all)])
    return new Set([...each].map((lane) => filterOf({ ...all, lane })))
  }
}

function packets(filters: readonly string[]): string[][] {
  const count = Math.ceil(filters.length / FILTERS_PER_PACKET)
  return Array.from({ length: count }, (_, index) =>
    filters.slice(index * FILTERS_PER_PACKET, (index + 1) * FILTERS_PER_PACKET),
  )
}
