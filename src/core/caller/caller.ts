import { createHash, randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../base/clock.js'
import { type TraceContext, traced, traceOf } from '../base/diagnostics.js'
import { TetherError } from '../base/errors.js'
import { setImmediate } from '../base/timers.js'
import { type AbortOptions, checkEndpoint, type Endpoint, LANES } from '../contracts/transport.js'
import { Link } from '../link/link.js'
import { SessionWatch } from '../naming/session-watch.js'
import { Channel } from '../wire/channel.js'
import type { Sent } from '../wire/outgoing.js'
import type {
  InvokeMessage,
  Mirrored,
  Outbound,
  PresenceMessage,
  SessionMessage,
  StubMessage,
} from '../wire/protocol.js'
import type { Refusal } from '../wire/refusal.js'
import type { RootKey } from '../wire/seal.js'
import { Call, type CallOutcome } from './call.js'
import { CallErrors } from './errors.js'
import { MirrorCall } from './mirror.js'
import type { CallerOptions, CallInput } from './options.js'
import type { Wire } from './wire.js'

/** A message without what each one carries. */
type Content<M = Outbound<StubMessage>> = M extends unknown ? Omit<M, 'settled' | 'epoch'> : never

// An idle connection may have been dropped, and nothing said so to a frozen process. Shorter than any broker's
// or NAT's patience, longer than a busy function's pauses.
const STALE_AFTER_MS = 60_000

/** The stub's side of invocations: one for each execution environment. */
export class Caller {
  readonly #options: CallerOptions
  readonly #clock: Clock
  readonly #calls = new Map<string, Call>()
  readonly #mirrors = new Map<string, MirrorCall>()
  readonly #settled = new Set<string>()
  /** The environment's random id. */
  readonly #name: string
  readonly #session: Endpoint
  readonly #link: Link
  readonly #channel: Channel<'session'>
  /** The session that was last heard. */
  #heard: string | undefined
  /** Which variables a session has. */
  #known = { session: '', fingerprint: '' }
  readonly #watch: SessionWatch
  #refusal: Refusal | undefined
  #storeless: string | undefined
  #epoch = 0
  #latencyMs = 0
  #lastEnvironment: { readonly text: string; readonly env: Buffer; readonly fingerprint: string } | undefined
  #closed = false

  /** Made at the first invocation: until then a snapshot of the process holds no identity. */
  constructor(options: CallerOptions) {
    this.#options = options
    const clock = options.clock ?? systemClock
    this.#clock = clock
    this.#watch = new SessionWatch(clock)
    const { app, stage } = options
    const self = checkEndpoint({ app, stage, role: 'stub', name: randomBytes(16).toString('base64url') })
    this.#name = self.name
    const session = checkEndpoint({ app, stage, role: 'session', name: options.session })
    this.#session = { ...session, lane: laneOf(self.name) }
    this.#channel = new Channel<'session'>({
      self,
      keys: [options.key],
      frameBytes: options.transport.limits.frameBytes,
      clock,
      send: (to, frame, sendOptions) => this.#link.send(to, frame, sendOptions),
      onMessage: (message) => this.#receive(message),
      onPart: (id) => this.#calls.get(id)?.heardPart(),
      // What is dropped here was not for this environment, or not authentic: the wait goes on without it.
      onDiscard: () => {},
      onRefused: (refusal) => {
        this.#refusal = refusal
      },
    })
    this.#link = new Link({
      transport: options.transport,
      self,
      clock,
      onFrame: (frame) => this.#channel.receive(frame),
      watch: session,
      onKept: (frame) => this.#channel.receive(frame, session),
      onStatus: ({ state }) => {
        for (const call of this.#calls.values()) {
          if (state === 'connected') call.connected()
          if (state === 'disconnected') call.disconnected()
        }
        if (state === 'connected' && this.#watch.error?.code === 'UNREACHABLE') this.#watch.heard()
      },
    })
  }

  /**
   * Runs one invocation in the session.
   * @throws TetherError `NO_SESSION`, `UNREACHABLE`, `DECLINED`, `SESSION_LOST`, `DEADLINE`
   */
  async call(input: CallInput): Promise<CallOutcome> {
    this.connect()
    const id = randomBytes(16).toString('base64url')
    const wire = this.#wire(input)
    if (this.#nobody(input, wire)) {
      // What has come since a frozen process was thawed is read first.
      await new Promise(setImmediate)
      const error = this.#nobody(input, wire)
      if (error !== undefined) {
        void this.#inquire(id, wire)
        throw error
      }
    }
    const call = new Call(id, input, this.#options, wire, this.#clock)
    this.#calls.set(id, call)
    try {
      const trace = traceOf('call', () => this.#describe(id, input))
      const outcome = await traced(trace, () => call.run(), errorTypeOf)
      this.#settled.add(id)
      return outcome
    } catch (error) {
      this.#watch.ended(error as TetherError)
      throw error
    } finally {
      this.#calls.delete(id)
    }
  }

  /**
   * Sends the session a copy of what the function itself answers, once; one that was under way when the process was
   * frozen is dropped. Resolves when it has left.
   * @throws what the transport throws
   */
  async mirror(input: CallInput, mirrored: Mirrored): Promise<void> {
    for (const [earlier, mirror] of this.#mirrors) {
      if (!mirror.over) continue
      mirror.drop()
      this.#mirrors.delete(earlier)
    }
    this.connect()
    const id = randomBytes(16).toString('base64url')
    const mirror = new MirrorCall(id, this.#wire(input), this.#clock)
    this.#mirrors.set(id, mirror)
    await mirror.run(input, mirrored, () => !this.#watch.closed)
  }

  /** Connects in the background, or anew where the connection may have died unseen. @throws TetherError `CLOSED` */
  connect(): void {
    const idleMs = this.#clock.now() - this.#link.activeAt
    if (this.#link.connected && idleMs > STALE_AFTER_MS) this.#link.replace()
    if (this.#closed) throw new TetherError('CLOSED', 'The stub was closed.')
    this.#link.start()
  }

  /** Why there is no use in waiting for a session, where that is known. */
  #nobody(input: CallInput, wire: Wire): TetherError | undefined {
    const { closed, error } = this.#watch
    if (error === undefined && closed && this.#link.connected)
      return new CallErrors(input, this.#options, wire).closed()
    return error
  }

  /** Asks in the background whether somebody is there by now: the next invocation will know. */
  async #inquire(id: string, wire: Wire): Promise<void> {
    try {
      await this.#link.ready()
      await wire.ask(id, undefined)
    } catch {
      // The next invocation asks again.
    }
  }

  /** Closes the connection; for tests and for hosts that end in an orderly way. */
  async close(): Promise<void> {
    this.#closed = true
    for (const call of this.#calls.values()) call.close()
    for (const mirror of this.#mirrors.values()) mirror.drop()
    await this.#link.stop()
  }

  #describe(invocationId: string, { functionId, context }: CallInput): TraceContext {
    return {
      invocationId,
      functionId,
      requestId: context.awsRequestId,
      ...(context.traceId === undefined ? {} : { traceId: context.traceId }),
      session: this.#options.session,
      environmentId: this.#name,
    }
  }

  // Almost always the same as the last time, which is cheaper to see than to hash.
  #environment(variables: CallInput['env']): { readonly env: Buffer; readonly fingerprint: string } {
    const text = JSON.stringify(variables)
    if (this.#lastEnvironment?.text !== text) {
      const env = Buffer.from(text)
      const fingerprint = createHash('sha256').update(env).digest('base64url').slice(0, 22)
      this.#lastEnvironment = { text, env, fingerprint }
    }
    return this.#lastEnvironment
  }

  #wire(input: CallInput): Wire {
    const { env, fingerprint } = this.#environment(input.env)
    return {
      ready: (signal) => this.#link.ready({ signal }),
      renew: () => this.#link.renew(),
      replace: () => this.#link.replace(),
      online: () => this.#watch.online,
      latencyMs: () => this.#latencyMs,
      noteLatency: (ms) => {
        this.#latencyMs += (ms - this.#latencyMs) / 4
      },
      activeAt: () => this.#link.activeAt,
      invoke: async (head, { withEnv, ...options }) => {
        const { session, fingerprint: last } = this.#known
        // A successor that is known by a word of its own has them not.
        const known = session === this.#heard && last === fingerprint && !withEnv
        const content: Content<Outbound<InvokeMessage>> = {
          ...head,
          type: 'invoke',
          functionId: input.functionId,
          context: input.context,
          envFingerprint: fingerprint,
          ...(known ? {} : { env }),
          sentAt: this.#clock.now(),
          ...this.#binding(),
        }
        return this.#send(content, options)
      },
      ask: (id, sent) => {
        const missing = this.#channel.incomplete(id)
        return this.#send({
          type: 'ask',
          id,
          ...this.#binding(),
          ...(sent === undefined ? {} : { sent }),
          ...(missing === undefined ? {} : { missing }),
        })
      },
      presign: (id, bytes) => this.#send({ type: 'presign', id, bytes }),
      storeless: () => this.#storeless !== undefined && this.#storeless === this.#heard,
      noteStoreless: (session) => {
        this.#storeless = session
      },
      cancel: (id, { code, message }) => this.#send({ type: 'cancel', id, code, reason: message }),
      acked: (session) => {
        this.#known = { session, fingerprint }
      },
      explain: () => explain(this.#refusal, this.#options.key),
      connected: () => this.#link.connected,
      lastError: () => this.#link.lastError,
    }
  }

  async #send(content: Content, options: AbortOptions = {}): Promise<Sent> {
    const settled = [...this.#settled]
    const message = { ...content, settled, epoch: this.#epoch } as Outbound<StubMessage>
    const sent = await this.#channel.send(this.#session, message, options)
    // Sent, and perhaps lost: the answers then wait for their deadline, as they would have without it.
    for (const id of settled) this.#settled.delete(id)
    return sent
  }

  #binding(): { boundTo?: string } {
    return this.#heard === undefined ? {} : { boundTo: this.#heard }
  }

  #receive(message: SessionMessage | PresenceMessage): void {
    // A session that has lost its name, and does not know it yet.
    if (message.epoch < this.#epoch) return
    this.#epoch = message.epoch
    // Its presence as well: what is bound to it from the first needs no challenge.
    this.#heard = message.session
    if (message.type === 'presence') return this.#onPresence(message)
    this.#watch.heard()
    this.#refusal = undefined
    const call = this.#calls.get(message.id) ?? this.#mirrors.get(message.id)
    call?.receive(message)
  }

  #onPresence(message: PresenceMessage): void {
    // The first that is heard was kept from before this environment connected.
    const before = !this.#watch.informed
    const news = !before && this.#watch.isNews(message)
    if (!this.#watch.told(message)) return
    for (const call of this.#calls.values()) call.presenceHeard(news)
    if (message.state !== 'closed') return
    for (const call of this.#calls.values()) call.sessionClosed(before)
  }
}

function errorTypeOf(outcome: CallOutcome): string | undefined {
  return outcome.kind === 'error' ? outcome.error.errorType : undefined
}

function laneOf(name: string): number {
  return createHash('sha256').update(name).digest()[0]! % LANES
}

function explain(refusal: Refusal | undefined, key: RootKey): string {
  if (refusal === undefined) return ''
  return refusal.reason === 'key'
    ? ` Something answered that it does not have this stub's key ${key.id}, but ${refusal.keyIds.join(', ')}: deploy the stub and start the session with one key.`
    : ` Something answered that it speaks protocol version ${refusal.version}: install the same lambda-tether version on both sides.`
}
