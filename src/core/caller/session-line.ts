import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import type { TetherError } from '../base/errors.js'
import { type AbortOptions, checkEndpoint, type Endpoint, LANES } from '../contracts/transport.js'
import { Link } from '../link/link.js'
import { isFarAhead, isFarApart } from '../naming/epochs.js'
import { SessionWatch } from '../naming/session-watch.js'
import { MAX_STORED_BYTES } from '../payload/session-payloads.js'
import { openBody, sealBody } from '../payload/stored-body.js'
import { download, upload } from '../payload/transfer.js'
import { Channel } from '../wire/channel.js'
import type { PackedBody } from '../wire/compress.js'
import { sessionShapes } from '../wire/message-shapes.js'
import type { Sent } from '../wire/outgoing.js'
import { openPresence } from '../wire/presence-frame.js'
import type { Outbound, PresenceMessage, SessionMessage, StubMessage } from '../wire/protocol.js'
import type { Refusal } from '../wire/refusal.js'
import { stubKeys } from '../wire/stub-key.js'
import type { CallEvent, LastingEffect, Terms } from './call-state.js'
import type { CallerOptions, CallInput } from './options.js'
import type { StreamBody } from './stream-body.js'

/** Receives messages and events. An event without an id concerns every call. */
export interface LineEvents {
  onMessage(message: SessionMessage): void
  onEvent(event: CallEvent, invocationId?: string): void
}

/** The parts of a call that the line needs. */
export interface Sendable {
  readonly id: string
  readonly terms: Terms
  /** Packed, but for a mirrored call, which must cost its function as little as possible. */
  readonly event: PackedBody | Uint8Array
  /** The last `invoke`, and the time of the first. */
  sent?: Sent
  firstSentAt?: number
  /** The response, where it is streamed. */
  body?: StreamBody
  /** Aborted when the call is over; only transfers and mirrored calls have one. */
  stop?: AbortController
}

/** A message being built; undefined fields do not travel. */
type Draft<M = Outbound<StubMessage>> = M extends unknown
  ? { -readonly [K in keyof M]?: M[K] | undefined }
  : never

/** An execution environment's side of the protocol: its connection, its messages, and its record of the session. */
export class SessionLine {
  readonly link: Link
  readonly watch: SessionWatch
  /** As the session knows this environment: key id, function tag and name. */
  readonly environmentId: string
  /** The last refusal; cleared by any other message. */
  refusal: Refusal | undefined
  readonly #clock: Clock
  readonly #channel: Channel<'session'>
  readonly #to: Endpoint
  #heard: string | undefined
  #epoch = 0
  #settled: string[] = []
  #storeless: string | undefined
  /** Which session has which variables. */
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
    const keys = stubKeys(options.key)
    this.environmentId = keys.scope + name
    this.#channel = new Channel<'session'>({
      self,
      keys,
      reads: sessionShapes(),
      frameBytes: transport.limits.frameBytes,
      clock,
      send: (to, frame, sendOptions) => this.link.send(to, frame, sendOptions),
      onMessage: (message) => this.#hear(message, events),
      onPart: (id) => events.onEvent({ type: 'part' }, id),
      // Frames for others, or not authentic: calls wait on.
      onDiscard: () => {},
      onRefused: (refusal) => {
        this.refusal = refusal
      },
    })
    this.link = new Link({
      transport,
      self,
      environmentId: this.environmentId,
      clock,
      onStatus: (status) => {
        const { state } = status
        if (state === 'connected') this.watch.connected()
        if (state === 'connected' || state === 'disconnected') events.onEvent({ type: state })
        if (state === 'disconnected' && this.watch.disconnected(status.error))
          events.onEvent({ type: 'refused' })
      },
      onFrame: (frame) => this.#channel.receive(frame),
      watch: session,
      onKept: (frame) => {
        const presence = openPresence([keys], session, frame)
        if (presence !== undefined) this.#hearPresence(presence, events)
      },
    })
  }

  /** Whether its name has been used for so many frames that another should take its place. */
  get worn(): boolean {
    return this.#channel.worn
  }

  /** Whether the session heard last has no payload store. */
  get storeless(): boolean {
    return this.#storeless !== undefined && this.#storeless === this.#heard
  }

  /**
   * Skips the back-off, unless the broker refuses; replaces an earlier request. Resolves when connected.
   * @throws TetherError `ABORTED`, `CLOSED`
   */
  connectAtOnce(): Promise<void> {
    this.#wish?.abort()
    this.#wish = new AbortController()
    return this.link.ready({ signal: this.#wish.signal, patient: this.watch.refused })
  }

  /** Notes that the session has these variables. */
  informed(session: string, env: CallInput['env']): void {
    this.#informed = { session, fingerprint: this.#pack(env).fingerprint }
  }

  /** Has the next message report this outcome as received. */
  settled(id: string): void {
    this.#settled.push(id)
  }

  /** Performs an effect. @returns its result, if a call needs it @throws what the transport or the store throws */
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
        await this.ask(id, effect.sent, effect.nonce)
        return undefined
      case 'credit':
        await this.#send({ type: 'credit', id, ...call.body!.credit(effect.asks) })
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
  ask(id: string, sent?: string, nonce?: string): Promise<Sent> {
    const missing = this.#channel.incomplete(id)
    return this.#send({ type: 'ask', id, nonce, boundTo: this.#heard, sent, missing })
  }

  /** Tells the session that the stub has given up. Best effort. */
  cancel(id: string, { code, message: reason }: TetherError): void {
    this.#send({ type: 'cancel', id, code, reason }).catch(() => {})
  }

  #invoke(call: Sendable, { facts, withEnv, at }: LastingEffect & { type: 'invoke' }): Promise<Sent> {
    const { ackedBy, stored, terms } = facts
    const { input, mirrored, startedAt } = terms
    const { bytes, fingerprint } = this.#pack(input.env)
    // A successor does not have the variables of its predecessor.
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
      streams: input.streams === true ? (true as const) : undefined,
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
      // If the message is lost, the session keeps these answers until their deadline.
      return await this.#channel.send(this.#to, draft as Outbound<StubMessage>, options)
    } catch (error) {
      this.#settled.push(...settled)
      throw error
    }
  }

  /** Whether an epoch is none that a session can have: one that lost its name and has not noticed, or a broken clock's. */
  #isOff(epoch: number): boolean {
    return epoch < this.#epoch || isFarAhead(epoch, this.#clock.now())
  }

  // What is kept may be a recording that somebody put there.
  #hearPresence(message: PresenceMessage, events: LineEvents): void {
    const { type, session, epoch, state, at } = message
    if (this.#isOff(epoch)) return
    if ((state === 'online' || state === 'leaving') && isFarApart(at, this.#clock.now())) return
    const told = this.watch.tell(message)
    if (told === 'old') return
    this.#epoch = epoch
    // A first message bound to this session needs no challenge.
    this.#heard = session
    events.onEvent({ type, told, session, closed: state === 'closed' })
  }

  #hear(message: SessionMessage, events: LineEvents): void {
    const { type, session, epoch } = message
    if (this.#isOff(epoch)) return
    this.#epoch = epoch
    this.#heard = session
    this.watch.heard(session)
    this.refusal = undefined
    if (type === 'url' && message.key === undefined) this.#storeless = session
    events.onMessage(message)
  }

  /** Serialises and hashes variables only when they have changed. */
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
