import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import { type AbortOptions, checkEndpoint, type Endpoint, LANES } from '../contracts/transport.js'
import { Link } from '../link/link.js'
import { SessionWatch } from '../naming/session-watch.js'
import { Channel } from '../wire/channel.js'
import type { Sent } from '../wire/outgoing.js'
import type {
  InvokeMessage,
  Outbound,
  PresenceMessage,
  SessionMessage,
  StubMessage,
} from '../wire/protocol.js'
import type { Refusal } from '../wire/refusal.js'
import type { CallEvent } from './call-state.js'
import type { CallerOptions, CallInput } from './options.js'

/** The calls that a line serves. */
export interface LineCalls {
  receive(message: SessionMessage): void
  tell(invocationId: string, event: CallEvent): void
  tellAll(event: CallEvent): void
}

/** A message in the making: undefined fields do not travel, and the line adds what it knows. */
export type Draft<M extends StubMessage> = M extends unknown
  ? { -readonly [K in keyof Outbound<M>]?: Outbound<M>[K] | undefined }
  : never

/** An execution environment's line to its session: the connection, and what was heard, which every message tells. */
export class SessionLine {
  readonly link: Link
  readonly watch: SessionWatch
  /** What was refused; undefined once anything else is heard. */
  refusal: Refusal | undefined
  readonly #channel: Channel<'session'>
  readonly #to: Endpoint
  #heard: string | undefined
  #epoch = 0
  #settled: string[] = []
  #storeless: string | undefined
  /** The session that has these variables. */
  #informed = { session: '', fingerprint: '' }
  #variables = { of: {} as CallInput['env'], text: '', bytes: Buffer.alloc(0), fingerprint: '' }
  #wish: AbortController | undefined

  /** @param name the environment's random id */
  constructor(options: CallerOptions, name: string, clock: Clock, calls: LineCalls) {
    this.watch = new SessionWatch(clock)
    const { app, stage, transport } = options
    const self = checkEndpoint({ app, stage, role: 'stub', name })
    const session = checkEndpoint({ app, stage, role: 'session', name: options.session })
    this.#to = { ...session, lane: createHash('sha256').update(name).digest()[0]! % LANES }
    this.#channel = new Channel<'session'>({
      self,
      keys: [options.key],
      frameBytes: transport.limits.frameBytes,
      clock,
      send: (to, frame, sendOptions) => this.link.send(to, frame, sendOptions),
      onMessage: (message) => this.#hear(message, calls),
      onPart: (id) => calls.tell(id, { type: 'part' }),
      // What is dropped here was not for this environment, or not authentic: the wait goes on without it.
      onDiscard: () => {},
      onRefused: (refusal) => {
        this.refusal = refusal
      },
    })
    this.link = new Link({
      transport,
      self,
      clock,
      onStatus: ({ state }) => {
        if (state === 'connected') this.watch.connected()
        if (state === 'connected' || state === 'disconnected') calls.tellAll({ type: state })
      },
      onFrame: (frame) => this.#channel.receive(frame),
      watch: session,
      onKept: (frame) => this.#channel.receive(frame, session),
    })
  }

  /** Whether the session heard last has no payload store. */
  get storeless(): boolean {
    return this.#storeless !== undefined && this.#storeless === this.#heard
  }

  /** Connects at once, whatever the back-off; the latest wish replaces those before. @throws TetherError `ABORTED`, `CLOSED` */
  connectAtOnce(): Promise<void> {
    this.#wish?.abort()
    this.#wish = new AbortController()
    return this.link.ready({ signal: this.#wish.signal })
  }

  /** Asks in the background whether somebody is there by now: the next invocation will know. */
  async inquire(id: string): Promise<void> {
    try {
      await this.connectAtOnce()
      await this.ask(id)
    } catch {
      // The next invocation asks again.
    }
  }

  /** The session has these variables. */
  informed(session: string, env: CallInput['env']): void {
    this.#informed = { session, fingerprint: this.#pack(env).fingerprint }
  }

  /** The outcome of this invocation was received, which the next message says. */
  settled(id: string): void {
    this.#settled.push(id)
  }

  /** @param withEnv whether the session gets the variables, whatever it has */
  invoke(
    draft: Draft<InvokeMessage>,
    variables: CallInput['env'],
    withEnv: boolean,
    options?: AbortOptions,
  ): Promise<Sent> {
    const { bytes, fingerprint } = this.#pack(variables)
    const { session, fingerprint: last } = this.#informed
    // A successor that is known by a word of its own does not have them.
    if (withEnv || session !== this.#heard || last !== fingerprint) draft.env = bytes
    draft.envFingerprint = fingerprint
    draft.boundTo = this.#heard
    return this.send(draft, options)
  }

  ask(id: string, sent?: string): Promise<Sent> {
    return this.send({ type: 'ask', id, boundTo: this.#heard, sent, missing: this.#channel.incomplete(id) })
  }

  /** @throws what the transport throws */
  async send(draft: Draft<StubMessage>, options?: AbortOptions): Promise<Sent> {
    if (!this.link.connected) this.connectAtOnce().catch(() => {})
    const settled = this.#settled
    if (settled.length > 0) this.#settled = []
    draft.settled = settled
    draft.epoch = this.#epoch
    try {
      // Sent, and perhaps lost: the answers then wait for their deadline, as they would have without it.
      return await this.#channel.send(this.#to, draft as Outbound<StubMessage>, options)
    } catch (error) {
      this.#settled.push(...settled)
      throw error
    }
  }

  #hear(message: SessionMessage | PresenceMessage, calls: LineCalls): void {
    const { type, session, epoch } = message
    // A session that has lost its name, and does not know it yet.
    if (epoch < this.#epoch) return
    this.#epoch = epoch
    // Its presence as well: what is bound to it from the first needs no challenge.
    this.#heard = session
    if (type === 'presence') {
      const told = this.watch.tell(message)
      const closed = message.state === 'closed'
      return told === 'old' ? undefined : calls.tellAll({ type, told, session, closed })
    }
    this.watch.heard(session)
    this.refusal = undefined
    if (type === 'url' && message.key === undefined) this.#storeless = session
    calls.receive(message)
  }

  /** The same as the last time are neither serialised nor hashed again. */
  #pack(variables: CallInput['env']) {
    if (this.#variables.of === variables) return this.#variables
    const text = JSON.stringify(variables)
    if (text === this.#variables.text) this.#variables.of = variables
    else {
      const bytes = Buffer.from(text)
      const fingerprint = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
      this.#variables = { of: variables, text, bytes, fingerprint }
    }
    return this.#variables
  }
}
