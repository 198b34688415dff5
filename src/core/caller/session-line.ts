import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import type { TetherError } from '../base/errors.js'
import { type AbortOptions, checkEndpoint, type Endpoint, LANES } from '../contracts/transport.js'
import { Link } from '../link/link.js'
import { SessionWatch } from '../naming/session-watch.js'
import { MAX_STORED_BYTES } from '../payload/session-payloads.js'
import { openBody, sealBody } from '../payload/stored-body.js'
import { download, upload } from '../payload/transfer.js'
import { Channel } from '../wire/channel.js'
import type { PackedBody } from '../wire/compress.js'
import type { Sent } from '../wire/outgoing.js'
import type { Outbound, PresenceMessage, SessionMessage, StubMessage } from '../wire/protocol.js'
import type { Refusal } from '../wire/refusal.js'
import type { CallEvent, LastingEffect, Terms } from './call-state.js'
import type { CallerOptions, CallInput } from './options.js'

/** What the line tells of: a message about a call, and what happens to one of them, or to all. */
export interface LineEvents {
  onMessage(message: SessionMessage): void
  onEvent(event: CallEvent, invocationId?: string): void
}

/** What a call is sent with. */
export interface Sendable {
  readonly id: string
  readonly terms: Terms
  /** A copy leaves as it is: it must cost its function as little as can be. */
  readonly event: PackedBody | Uint8Array
  /** The message that carried it last, and when the first did. */
  sent?: Sent
  firstSentAt?: number
  /** Aborted when the call is over; made for transfers and copies alone. */
  stop?: AbortController
}

/** A message in the making: undefined fields do not travel. */
type Draft<M = Outbound<StubMessage>> = M extends unknown
  ? { -readonly [K in keyof M]?: M[K] | undefined }
  : never

/** An execution environment's line to its session: the connection, and what was heard, which every message tells. */
export class SessionLine {
  readonly link: Link
  readonly watch: SessionWatch
  /** What was refused; undefined once anything else is heard. */
  refusal: Refusal | undefined
  readonly #clock: Clock
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
  constructor(options: CallerOptions, name: string, clock: Clock, events: LineEvents) {
    this.#clock = clock
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
      onMessage: (message) => this.#hear(message, events),
      onPart: (id) => events.onEvent({ type: 'part' }, id),
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
        if (state === 'connected' || state === 'disconnected') events.onEvent({ type: state })
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

  /** The session has these variables. */
  informed(session: string, env: CallInput['env']): void {
    this.#informed = { session, fingerprint: this.#pack(env).fingerprint }
  }

  /** The outcome of this invocation was received, which the next message says. */
  settled(id: string): void {
    this.#settled.push(id)
  }

  /** @returns what has become of it, where that is more than that it has left @throws what the transport throws */
  async perform(call: Sendable, effect: LastingEffect): Promise<CallEvent | undefined> {
    const { id } = call
    switch (effect.type) {
      case 'invoke':
        call.sent = await this.#invoke(call, effect)
        return { type: 'sent', reference: call.sent.reference }
      case 'resend':
        await call.sent?.resend(effect.parts)
        return undefined
      case 'ask':
        await this.ask(id, effect.sent)
        return undefined
      case 'presign':
        await this.#send({ type: 'presign', id, bytes: effect.bytes })
        return undefined
      case 'put': {
        const { key, request, placedBy } = effect
        call.stop ??= new AbortController()
        const { object, secret } = sealBody(call.event as PackedBody)
        await upload(request, object, { signal: call.stop.signal })
        return { type: 'put', stored: { body: { key, secret, bytes: object.length }, placedBy } }
      }
      case 'get': {
        const { stored } = effect
        const limits = { maxBytes: MAX_STORED_BYTES, bytes: stored.bytes }
        call.stop ??= new AbortController()
        const object = await download(stored.request, { ...limits, signal: call.stop.signal })
        return { type: 'got', body: openBody(stored, object, MAX_STORED_BYTES) }
      }
    }
  }

  /** Asks what became of an invocation. @throws what the transport throws */
  ask(id: string, sent?: string): Promise<Sent> {
    return this.#send({ type: 'ask', id, boundTo: this.#heard, sent, missing: this.#channel.incomplete(id) })
  }

  /** Says that an invocation was given up; if nobody runs it, nobody hears. */
  cancel(id: string, { code, message: reason }: TetherError): void {
    this.#send({ type: 'cancel', id, code, reason }).catch(() => {})
  }

  #invoke(call: Sendable, { facts, withEnv, at }: LastingEffect & { type: 'invoke' }): Promise<Sent> {
    const { ackedBy, stored, terms } = facts
    const { input, mirrored, startedAt } = terms
    const { bytes, fingerprint } = this.#pack(input.env)
    // A successor that is known by a word of its own does not have them.
    const known = this.#informed.session === this.#heard && this.#informed.fingerprint === fingerprint
    call.firstSentAt ??= at
    if (mirrored !== undefined) call.stop ??= new AbortController()
    const draft = {
      type: 'invoke' as const,
      id: call.id,
      functionId: input.functionId,
      context: input.context,
      remainingMs: Math.max(0, startedAt + input.remainingMs - at),
      ageMs: at - call.firstSentAt,
      ackedBy,
      sentAt: this.#clock.now(),
      boundTo: this.#heard,
      envFingerprint: fingerprint,
      env: known && !withEnv ? undefined : bytes,
      event: stored === undefined ? call.event : undefined,
      stored: stored?.body,
      mirrored,
    }
    return this.#send(draft, call.stop)
  }

  async #send(draft: Draft, options?: AbortOptions): Promise<Sent> {
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

  #hear(message: SessionMessage | PresenceMessage, events: LineEvents): void {
    const { type, session, epoch } = message
    // A session that has lost its name, and does not know it yet.
    if (epoch < this.#epoch) return
    this.#epoch = epoch
    // Its presence as well: what is bound to it from the first needs no challenge.
    this.#heard = session
    if (type === 'presence') {
      const told = this.watch.tell(message)
      const closed = message.state === 'closed'
      return told === 'old' ? undefined : events.onEvent({ type, told, session, closed })
    }
    this.watch.heard(session)
    this.refusal = undefined
    if (type === 'url' && message.key === undefined) this.#storeless = session
    events.onMessage(message)
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
