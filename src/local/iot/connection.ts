import type { Clock } from '../../core/base/clock.js'
import type { DisconnectReason, LocalBrokerEvents } from './broker-events.js'
import { type IotLimits, topicFault } from './limits.js'
import {
  MQTT,
  type MqttPacket,
  type PublishHeader,
  readFilters,
  readPacketId,
  readPublish,
  refuseSubscribe,
} from './mqtt-packets.js'
import type { PolicyCheck } from './policy-check.js'
import { type KeyedInterval, RateWindow } from './rate.js'

/** The reason for a connection's end. */
export interface Ending {
  readonly reason: DisconnectReason
  readonly detail: string
}

/** The decision on a packet. */
export type Verdict =
  | { readonly kind: 'pass' }
  /** Dropped silently, without a PUBACK. */
  | { readonly kind: 'discard' }
  | { readonly kind: 'cut'; readonly ending: Ending }
  /** Answered by the gate; the packet is not passed to aedes. */
  | { readonly kind: 'answer'; readonly bytes: Buffer }
  /** Sent after the client has acknowledged another; see {@link IotConnection.released}. */
  | { readonly kind: 'hold' }

/** Notifies the broker's listeners, and counts. */
export type Tell = <E extends keyof LocalBrokerEvents>(event: E, detail: LocalBrokerEvents[E]) => void

/** The rules of a connection. */
export interface ConnectionRules {
  readonly limits: IotLimits
  readonly clock: Clock
  /** Absent if everything is allowed. */
  readonly policy?: PolicyCheck
  /** Shared by the whole broker: the limit is per topic. */
  readonly retained: KeyedInterval
  readonly tell: Tell
}

const PASS: Verdict = { kind: 'pass' }
const DISCARD: Verdict = { kind: 'discard' }
const HOLD: Verdict = { kind: 'hold' }

/** A client's connection with AWS IoT Core's rules: decides packet by packet, and holds no socket. */
export class IotConnection {
  readonly rules: ConnectionRules
  /** Empty until CONNECT. */
  clientId = ''
  /** The granted topic filters. */
  readonly subscriptions = new Set<string>()
  /** True after DISCONNECT. */
  saidGoodbye = false
  /** True after an accepting CONNACK. */
  accepted = false
  readonly #rate: RateWindow
  readonly #unacknowledged = new Set<number>()
  readonly #held: { packet: MqttPacket; packetId: number }[] = []

  constructor(rules: ConnectionRules) {
    this.rules = rules
    this.#rate = new RateWindow(rules.limits.publishesPerSecond)
  }

  /** Decides on a packet from the client. */
  inbound(packet: MqttPacket): Verdict {
    if (packet.type === 1) return PASS
    // Sending before CONNACK is legal in MQTT; AWS says to wait, but documents no consequence.
    if (!this.accepted) return cut('CLIENT_ERROR', `packet of type ${packet.type} before CONNACK`)
    if (packet.type === MQTT.publish) return this.#publish(packet)
    if (packet.type === MQTT.subscribe) return this.#subscribe(packet)
    if (packet.type === MQTT.puback) this.#unacknowledged.delete(readPacketId(packet) ?? -1)
    if (packet.type === MQTT.disconnect) this.saidGoodbye = true
    return PASS
  }

  /** Decides on a packet to the client. */
  outbound(packet: MqttPacket): Verdict {
    if (packet.type === MQTT.connack) this.accepted = packet.bytes[packet.bodyOffset + 1] === 0
    if (packet.type !== MQTT.publish) return PASS
    const publish = readPublish(packet)
    if (!publish) return PASS
    // AWS IoT delivers retained messages only to exact filters, never to a filter with a wildcard.
    if (publish.retain && !this.subscriptions.has(publish.topic)) return DISCARD
    const { policy, limits, clock, tell } = this.rules
    if (policy && !policy('iot:Receive', `topic/${publish.topic}`))
      return this.#discard('out', publish, 'policy')
    if (!this.#rate.take(clock.now())) return this.#discard('out', publish, 'rate')
    if (publish.packetId !== undefined) {
      if (this.#unacknowledged.size >= limits.unacknowledged) {
        // A client that never acknowledges must not exhaust memory.
        if (this.#held.length >= 10 * limits.unacknowledged)
          return this.#discard('out', publish, 'unacknowledged')
        this.#held.push({ packet, packetId: publish.packetId })
        return HOLD
      }
      this.#unacknowledged.add(publish.packetId)
    }
    tell('deliver', { clientId: this.clientId, topic: publish.topic, bytes: publish.payloadBytes })
    return PASS
  }

  /** Returns held packets that may be sent now. */
  released(): MqttPacket[] {
    const packets: MqttPacket[] = []
    while (this.#held.length > 0 && this.#unacknowledged.size < this.rules.limits.unacknowledged) {
      const { packet, packetId } = this.#held.shift()!
      this.#unacknowledged.add(packetId)
      packets.push(packet)
    }
    return packets
  }

  /** Decides on a permitted message of the client: a last will when due, or any other. */
  accept(publish: PublishHeader): Verdict {
    const { limits, clock, retained, tell } = this.rules
    const { topic, payloadBytes, qos, retain } = publish
    if (retain && limits.retainIntervalMs > 0 && !retained.take(topic, clock.now())) {
      return this.#discard('in', publish, 'retain-rate')
    }
    tell('publish', { clientId: this.clientId, topic, bytes: payloadBytes, qos })
    return PASS
  }

  #publish(packet: MqttPacket): Verdict {
    const publish = readPublish(packet)
    // The broker's own parser rejects malformed packets.
    if (!publish) return PASS
    const ending = publishFault(publish, this.rules)
    if (ending) return { kind: 'cut', ending }
    if (!this.#rate.take(this.rules.clock.now())) return this.#discard('in', publish, 'rate')
    return this.accept(publish)
  }

  #subscribe(packet: MqttPacket): Verdict {
    const filters = readFilters(packet)
    const packetId = readPacketId(packet)
    if (!filters || packetId === undefined) return PASS
    const { limits, policy, tell } = this.rules
    for (const filter of filters) {
      const fault = topicFault(filter, limits)
      if (fault) return cut('CLIENT_ERROR', fault)
      // Never SUBACK 0x80: AWS IoT drops the connection silently (aws-iot-device-sdk-js#191).
      if (policy && !policy('iot:Subscribe', `topicfilter/${filter}`))
        return cut('AUTH_ERROR', `iot:Subscribe on topicfilter/${filter} is not allowed`)
    }
    if (filters.length <= limits.filtersPerSubscribe) return PASS
    const detail = `SUBSCRIBE of ${filters.length} topic filters exceeds ${limits.filtersPerSubscribe}`
    if (filters.length > 125) return cut('CLIENT_ERROR', detail)
    for (const filter of filters)
      tell('subscribe', { clientId: this.clientId, filter, granted: 0x80, detail })
    return { kind: 'answer', bytes: refuseSubscribe(packetId, filters.length) }
  }

  #discard(
    direction: 'in' | 'out',
    { topic }: PublishHeader,
    reason: LocalBrokerEvents['discard']['reason'],
  ): Verdict {
    this.rules.tell('discard', { clientId: this.clientId, direction, topic, reason })
    return DISCARD
  }
}

/** Returns the reason why a client may not publish a message, or set it as its last will; undefined if it may. */
export function publishFault(
  publish: Omit<PublishHeader, 'packetId'>,
  rules: Pick<ConnectionRules, 'limits' | 'policy'>,
): Ending | undefined {
  const { limits, policy } = rules
  const { topic, payloadBytes, qos, retain } = publish
  const clientError = (detail: string): Ending => ({ reason: 'CLIENT_ERROR', detail })
  if (qos > 1) return clientError('QoS 2 is not supported')
  if (payloadBytes > limits.payloadBytes) {
    return clientError(`payload of ${payloadBytes} bytes exceeds ${limits.payloadBytes}`)
  }
  const fault = topicFault(topic, limits)
  if (fault) return clientError(fault)
  if (/[+#]/.test(topic)) return clientError(`topic '${topic}' has a wildcard`)
  if (topic.startsWith('$')) return clientError(`topic '${topic}' is reserved`)
  for (const action of retain
    ? (['iot:Publish', 'iot:RetainPublish'] as const)
    : (['iot:Publish'] as const)) {
    if (policy && !policy(action, `topic/${topic}`)) {
      return { reason: 'AUTH_ERROR', detail: `${action} on topic/${topic} is not allowed` }
    }
  }
  return undefined
}

function cut(reason: DisconnectReason, detail: string): Verdict {
  return { kind: 'cut', ending: { reason, detail } }
}
