import type { AedesOptions, Client } from 'aedes'
import type { Clock } from '../../core/base/clock.js'
import type { Ending, IotConnection, Tell } from './connection.js'
import { publishFault } from './connection.js'
import { IotGate } from './gate.js'
import type { IotLimits } from './limits.js'
import { KeyedInterval } from './rate.js'

/** Options of the hooks for CONNECT and SUBSCRIBE: aedes parses these two packets and calls the hooks. */
export interface AdmissionOptions {
  readonly limits: IotLimits
  readonly clock: Clock
  readonly tell: Tell
  /** Returns the gate of the client that currently holds this id. */
  readonly holder: (clientId: string) => IotGate | undefined
}

/**
 * A refusing CONNACK: 2 identifier rejected, 3 server unavailable. Without a code, the connection ends without CONNACK.
 */
interface Refusal {
  readonly returnCode?: 2 | 3
  readonly ending: Ending
}

const REFUSED = 0x80

/** The hooks that make aedes admit clients and subscriptions as AWS IoT Core does. */
export function admission({ limits, clock, tell, holder }: AdmissionOptions): AedesOptions {
  const connects = new KeyedInterval(limits.connectIntervalMs)
  const verdicts = new WeakMap<IotGate, Refusal | { readonly keepAliveSeconds: number }>()

  return {
    preConnect(client, packet, done) {
      const gate = gateOf(client)
      gate.connection.clientId = packet.clientId
      const keepAliveSeconds = clampKeepAlive(packet.keepalive ?? 0, limits)
      const refusal = refuse(gate.connection, packet)
      // AWS IoT answers the upgrade with 101 and sends nothing on CONNECT (aws-iot-device-sdk-java-v2#586).
      if (refusal !== undefined && refusal.returnCode === undefined) {
        gate.cut(refusal.ending)
        return done(null, false)
      }
      verdicts.set(gate, refusal ?? { keepAliveSeconds })
      // The gate enforces keep-alive by the injected clock; 0 disables aedes's own timer.
      packet.keepalive = 0
      done(null, true)
    },

    authenticate(client, _username, _password, done) {
      const gate = gateOf(client)
      const verdict = verdicts.get(gate)
      if (!verdict || 'ending' in verdict) {
        if (verdict) gate.expectEnd(verdict.ending)
        done(Object.assign(new Error(verdict?.ending.detail), { returnCode: verdict?.returnCode ?? 5 }), null)
        return
      }
      // aedes generates an id for a client without one.
      const clientId = client.id
      gate.connection.clientId = clientId
      holder(clientId)?.expectEnd({
        reason: 'DUPLICATE_CLIENTID',
        detail: `'${clientId}' has connected anew`,
      })
      gate.keepAlive(verdict.keepAliveSeconds)
      tell('connect', { clientId, keepAliveSeconds: verdict.keepAliveSeconds })
      done(null, true)
    },

    // The gate has checked all other messages; aedes itself publishes a last will.
    authorizePublish(client, packet, done) {
      const { topic, payload, qos, retain } = packet
      if (client === null || packet !== (client as { will?: unknown }).will) return done(null)
      const verdict = gateOf(client).connection.accept({ topic, payloadBytes: payload.length, qos, retain })
      done(verdict.kind === 'pass' ? null : new Error('the last will was discarded'))
    },

    authorizeSubscribe(client, subscription, done) {
      const { connection } = gateOf(client)
      const { topic: filter, qos } = subscription
      const detail = refuseFilter(connection, filter, qos)
      if (!detail) connection.subscriptions.add(filter)
      tell('subscribe', {
        clientId: connection.clientId,
        filter,
        granted: detail ? REFUSED : qos,
        detail: detail ?? 'granted',
      })
      done(null, detail ? null : subscription)
    },
  }

  function refuse(
    connection: IotConnection,
    packet: Parameters<NonNullable<AedesOptions['preConnect']>>[1],
  ): Refusal | undefined {
    const { clientId, will } = packet
    const bytes = Buffer.byteLength(clientId)
    if (bytes > limits.clientIdBytes) {
      const detail = `client id of ${bytes} bytes exceeds ${limits.clientIdBytes}`
      return { returnCode: 2, ending: { reason: 'CLIENT_ERROR', detail } }
    }
    const { policy } = connection.rules
    if (policy && !policy('iot:Connect', `client/${clientId}`)) {
      const detail = `iot:Connect on client/${clientId} is not allowed`
      return { ending: { reason: 'AUTH_ERROR', detail } }
    }
    const { topic, payload, qos = 0, retain = false } = will ?? { topic: '', payload: '' }
    const fault = will && publishFault({ topic, payloadBytes: payload.length, qos, retain }, connection.rules)
    if (fault) return { ending: fault }
    if (clientId !== '' && limits.connectIntervalMs > 0 && !connects.take(clientId, clock.now())) {
      const detail = `'${clientId}' connects again within ${limits.connectIntervalMs} ms`
      return { returnCode: 3, ending: { reason: 'THROTTLED', detail } }
    }
    return undefined
  }
}

/** Removes subscriptions that aedes reports as ended. */
export function forgetSubscriptions(filters: readonly string[], client: Client): void {
  const { subscriptions } = gateOf(client).connection
  for (const filter of filters) subscriptions.delete(filter)
}

function gateOf(client: Client): IotGate {
  if (!(client.conn instanceof IotGate)) throw new TypeError('aedes has a client without a gate')
  return client.conn
}

function refuseFilter(
  { subscriptions, rules }: IotConnection,
  filter: string,
  qos: number,
): string | undefined {
  const { limits } = rules
  if (filter.startsWith('$')) return `topic filter '${filter}' is reserved`
  if (qos > 1) return 'QoS 2 is not supported'
  if (subscriptions.size >= limits.subscriptions && !subscriptions.has(filter)) {
    return `${subscriptions.size + 1} subscriptions exceed ${limits.subscriptions}`
  }
  return undefined
}

function clampKeepAlive(seconds: number, { minKeepAliveSeconds, maxKeepAliveSeconds }: IotLimits): number {
  if (seconds === 0) return maxKeepAliveSeconds
  return Math.min(Math.max(seconds, minKeepAliveSeconds), maxKeepAliveSeconds)
}
