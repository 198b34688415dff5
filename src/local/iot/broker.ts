import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Aedes } from 'aedes'
import { EventEmitter } from 'eventemitter3'
import { TetherError } from '../../core/base/errors.js'
import { admission, forgetSubscriptions } from './admission.js'
import type { LocalBrokerEvents, LocalBrokerStats } from './broker-events.js'
import { BrokerListeners, type ClientSocket } from './broker-listeners.js'
import {
  type BrokerSettings,
  brokerSettings,
  type CheckedIdentity,
  type LocalBrokerOptions,
} from './broker-options.js'
import { decideUpgrade, refuseBrokerUpgrade } from './broker-upgrade.js'
import { type ConnectionRules, type Ending, IotConnection, type Tell } from './connection.js'
import { answerDataPlane } from './data-plane.js'
import { IotGate } from './gate.js'
import { KeyedInterval } from './rate.js'
import { RetainedMessages } from './retained-messages.js'

export type { DisconnectReason, LocalBrokerEvents, LocalBrokerStats } from './broker-events.js'
export type { LocalBrokerOptions, LocalIdentity } from './broker-options.js'
export { IOT_LIMITS, type IotLimits } from './limits.js'
export type { PolicyDocument, PolicyStatement } from './policy-check.js'

/**
 * A message broker on this machine that enforces AWS IoT Core's limits, over WebSocket and over TCP. Delivers retained
 * messages only to filters without a wildcard, like AWS IoT and RabbitMQ.
 */
export interface LocalBroker extends AsyncDisposable {
  /** Starts to listen. @throws TetherError `MISSING_DEPENDENCY` (aedes), `UNREACHABLE` (port taken), `CLOSED` */
  open(): Promise<void>
  /** `mqtt://127.0.0.1:n`: plain TCP, no authentication, no policy. @throws TetherError `CLOSED` before `open()` */
  readonly mqttUrl: string
  /** `ws://127.0.0.1:n`, to be signed with the path `/mqtt`. @throws TetherError `CLOSED` before `open()` */
  readonly webSocketUrl: string
  /**
   * Cuts every connection without DISCONNECT. `silently`: the sockets stay open too, so that a client must detect the
   * loss by itself, as after a NAT time-out.
   */
  disconnectAll(options?: { readonly silently?: boolean | undefined }): void
  /** Adds a listener of an event; see {@link LocalBrokerEvents}. */
  on<E extends keyof LocalBrokerEvents>(event: E, listener: (detail: LocalBrokerEvents[E]) => void): this
  /** Adds a listener for the next event only. */
  once<E extends keyof LocalBrokerEvents>(event: E, listener: (detail: LocalBrokerEvents[E]) => void): this
  /** Removes a listener. */
  off<E extends keyof LocalBrokerEvents>(event: E, listener: (detail: LocalBrokerEvents[E]) => void): this
  /** Returns counts since it opened. */
  stats(): LocalBrokerStats
  /** Idempotent; resolves when all sockets are closed and all timers cleared. */
  close(): Promise<void>
}

/**
 * Makes a broker for demos, tests and offline work. It listens after `open()` and speaks MQTT 3.1.1.
 * @throws TetherError `INVALID_OPTION` by name
 */
export function createLocalBroker(options: LocalBrokerOptions = {}): LocalBroker {
  return new AedesBroker(options)
}

class AedesBroker implements LocalBroker {
  readonly #settings: BrokerSettings
  readonly #retained: KeyedInterval
  readonly #messages: RetainedMessages
  readonly #listeners: BrokerListeners<CheckedIdentity>
  readonly #gates = new Set<IotGate>()
  readonly #events = new EventEmitter()
  readonly #counts = { published: 0, delivered: 0, discarded: 0 }
  #aedes: Aedes | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #listening = false

  constructor(options: LocalBrokerOptions) {
    this.#settings = brokerSettings(options)
    const { host, port, tcpPort, limits, clock } = this.#settings
    this.#retained = new KeyedInterval(limits.retainIntervalMs)
    this.#messages = new RetainedMessages(clock)
    this.#listeners = new BrokerListeners<CheckedIdentity>({
      host,
      port,
      tcpPort,
      admit: (request, socket) => this.#admit(request, socket),
      onArrival: (arrival) => this.#arrive(arrival),
      onRequest: (request, response) =>
        void answerDataPlane(request, response, {
          settings: this.#settings,
          retained: this.#messages,
          publish: (packet) => this.#publish(packet),
        }),
    })
  }

  open(): Promise<void> {
    if (this.#closing)
      return Promise.reject(new TetherError('CLOSED', 'The local broker was closed; make a new one.'))
    this.#opening ??= this.#start()
    return this.#opening
  }

  get mqttUrl(): string {
    return `mqtt://${this.#address()}:${this.#listeners.tcpPort}`
  }

  get webSocketUrl(): string {
    return `ws://${this.#address()}:${this.#listeners.port}`
  }

  disconnectAll({ silently = false }: { readonly silently?: boolean } = {}): void {
    const ending: Ending = { reason: 'SERVER_INITIATED_DISCONNECT', detail: 'disconnectAll() was called' }
    for (const gate of [...this.#gates]) gate.cut(ending, { leaveOpen: silently })
  }

  on<E extends keyof LocalBrokerEvents>(event: E, listener: (detail: LocalBrokerEvents[E]) => void): this {
    this.#events.on(event, listener)
    return this
  }

  once<E extends keyof LocalBrokerEvents>(event: E, listener: (detail: LocalBrokerEvents[E]) => void): this {
    this.#events.once(event, listener)
    return this
  }

  off<E extends keyof LocalBrokerEvents>(event: E, listener: (detail: LocalBrokerEvents[E]) => void): this {
    this.#events.off(event, listener)
    return this
  }

  stats(): LocalBrokerStats {
    return { connections: this.#gates.size, ...this.#counts }
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #start(): Promise<void> {
    const { Aedes } = await loadAedes()
    const aedes = new Aedes(
      admission({
        limits: this.#settings.limits,
        clock: this.#settings.clock,
        tell: this.#tell,
        holder: (clientId) =>
          [...this.#gates].find((gate) => gate.connection.clientId === clientId && gate.connection.accepted),
      }),
    )
    aedes.on('unsubscribe', forgetSubscriptions)
    aedes.on('publish', (packet) => {
      if (packet.retain) this.#messages.note(packet)
    })
    await aedes.listen()
    this.#aedes = aedes
    try {
      await this.#listeners.open()
    } catch (error) {
      await closeAedes(aedes)
      throw error
    }
    this.#listening = true
  }

  async #stop(): Promise<void> {
    // An open() in progress finishes first; its caller receives a failure.
    await this.#opening?.catch(() => undefined)
    this.#listening = false
    const ending: Ending = { reason: 'SERVER_INITIATED_DISCONNECT', detail: 'the broker closes' }
    for (const gate of [...this.#gates]) gate.cut(ending)
    await this.#listeners.close()
    if (this.#aedes) await closeAedes(this.#aedes)
  }

  /** Publishes a message of the HTTP API. */
  #publish(packet: Parameters<Aedes['publish']>[0]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#aedes?.publish(packet, (error) => (error ? reject(error) : resolve()))
    })
  }

  #address(): string {
    if (!this.#listening)
      throw new TetherError('CLOSED', 'The local broker does not listen; await open() first.')
    const { host } = this.#settings
    return host.includes(':') ? `[${host}]` : host
  }

  #admit(request: IncomingMessage, socket: Duplex): { identity?: CheckedIdentity } | false {
    const { region, identities, clock } = this.#settings
    const now = clock.now()
    const decision = decideUpgrade(request, { region, identities, now })
    if (decision.admitted) return decision
    refuseBrokerUpgrade(socket, decision.status, now)
    this.#tell('refuse', { status: decision.status, detail: decision.detail })
    return false
  }

  #arrive({ socket, webSocket }: ClientSocket<CheckedIdentity>): void {
    const { limits, clock } = this.#settings
    const check = webSocket?.identity?.check
    const rules: ConnectionRules = {
      limits,
      clock,
      retained: this.#retained,
      tell: this.#tell,
      ...(check && { policy: check }),
    }
    const connection = new IotConnection(rules)
    const gate = new IotGate(socket, connection, {
      ...(webSocket && {
        lifetimeMs: limits.webSocketLifetimeMs,
        closedInOrder: webSocket.closedInOrder,
      }),
      onEnd: (ending) => {
        this.#gates.delete(gate)
        this.#tell('disconnect', { ...(connection.clientId && { clientId: connection.clientId }), ...ending })
      },
    })
    this.#gates.add(gate)
    this.#aedes?.handle(gate)
  }

  readonly #tell: Tell = (event, detail) => {
    if (event === 'publish') this.#counts.published++
    else if (event === 'deliver') this.#counts.delivered++
    else if (event === 'discard') this.#counts.discarded++
    this.#events.emit(event, detail)
  }
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(resolve))
}

async function loadAedes(): Promise<typeof import('aedes')> {
  try {
    return await import('aedes')
  } catch (cause) {
    const message = "The local broker needs the package 'aedes': npm install --save-dev aedes@1"
    throw new TetherError('MISSING_DEPENDENCY', message, { cause })
  }
}
