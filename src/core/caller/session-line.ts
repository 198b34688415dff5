import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { atMost } from '../base/delay.js'
import type { TetherError } from '../base/errors.js'
import { type AbortOptions, checkEndpoint, LANES } from '../contracts/transport.js'
import { Link, type LinkStatus } from '../link/link.js'
import { MAX_STORED_BYTES } from '../payload/session-payloads.js'
import { openBody, sealBody } from '../payload/stored-body.js'
import { download, upload } from '../payload/transfer.js'
import { Channel } from '../wire/channel.js'
import type { PackedBody } from '../wire/compress.js'
import { sessionShapes } from '../wire/message-shapes.js'
import type { Sent } from '../wire/outgoing.js'
import { openPresence } from '../wire/presence-frame.js'
import type { Outbound, SessionMessage, StubMessage } from '../wire/protocol.js'
import type { Refusal } from '../wire/refusal.js'
import { stubKeys } from '../wire/stub-key.js'
import type { CallEvent, LastingEffect, Terms } from './call-state.js'
import { NamedSession } from './named-session.js'
import type { CallerOptions, CallInput } from './options.js'
import type { StreamBody } from './stream-body.js'

/** Receives messages and events. */
export interface LineEvents {
  onMessage(message: SessionMessage, from: NamedSession): void
  /** An event for every call, or only for the calls of `about`: an invocation, or a peer. */
  onEvent(event: CallEvent, about?: string | NamedSession): void
  /** The peer to which an invocation was sent. */
  peerOf(invocationId: string): NamedSession | undefined
}

/** How long a new connection may take to deliver the cards of all names: they follow the SUBACK. */
const CARDS_MS = 100
/** How long an answer is valid on brokers that must be asked for cards. */
const LOOK_EVERY_MS = 5_000

/** The parts of a call that the line needs. */
export interface Sendable {
  readonly id: string
  readonly peer: NamedSession
  /** Other names of the team with cards that take it as well. */
  readonly also: readonly string[]
  readonly terms: Terms
  /** Packed, except for a mirrored call, which must cost its function as little as possible. */
  readonly event: PackedBody | Uint8Array
  /** The last `invoke`, how many were sent, and when it was first sent to a session that may not have received it. */
  sent?: Sent
  sends: number
  firstSentAt: number
  /** The response, if it is streamed. */
  body?: StreamBody
  /** Aborted when the call is over; only transfers and mirrored calls have one. */
  stop?: AbortController
}

/** A message being built; undefined fields are not sent. */
type Draft<M = Outbound<StubMessage>> = M extends unknown
  ? { -readonly [K in keyof M]?: M[K] | undefined }
  : never

/**
 * An execution environment's side of the protocol: its connection, its messages, and its record of each session name.
 */
export class SessionLine {
  readonly link: Link
  /** A single session, or the sessions of a team in order. */
  readonly peers: readonly NamedSession[]
  /** The session's name for this environment: key id, function tag and name. */
  readonly environmentId: string
  /** The last refusal; cleared by any other message. */
  refusal: Refusal | undefined
  readonly #clock: Clock
  readonly #channel: Channel<'session'>
  #variables = { of: {} as CallInput['env'], text: '', bytes: Buffer.alloc(0), fingerprint: '' }
  #wish: AbortController | undefined
  /** Peers with a known state on this connection, when it came up, and when it was last asked for cards. */
  readonly #told = new Set<NamedSession>()
  #upAt = 0
  #lookedAt: number | undefined
  readonly #waiting = new Set<() => void>()

  /** @param name the environment's random id */
  constructor(options: CallerOptions, name: string, clock: Clock, events: LineEvents) {
    this.#clock = clock
    const { app, stage, transport, session, team = [session] } = options
    const self = checkEndpoint({ app, stage, role: 'stub', name })
    const lane = createHash('sha256').update(name).digest()[0]! % LANES
    this.peers = team.map((one) => new NamedSession(options, one, lane, clock))
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
      // Frames for other receivers, or forged ones: calls keep waiting.
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
        this.#onStatus(status, events)
        this.#wake()
      },
      onFrame: (frame) => this.#channel.receive(frame),
      watch: this.peers.map(({ to: { lane: _lane, ...session } }) => session),
      onKept: (frame, kept) => {
        const peer = this.#named(kept)
        const presence = peer && openPresence([keys], peer.to, frame)
        if (presence === undefined) return
        this.#told.add(peer!)
        const event = peer!.tells(presence)
        if (event !== undefined) events.onEvent(event, peer!)
        this.#wake()
      },
    })
  }

  /** Whether its name has sealed so many frames that a new name should replace it. */
  get worn(): boolean {
    return this.#channel.worn
  }

  /** Whether the broker refuses this environment; remembered. */
  get refused(): boolean {
    return this.peers.every(({ watch }) => watch.refused)
  }

  /** The names that the broker does not let this environment watch. */
  get unwatched(): readonly string[] {
    return this.link.live?.connection.unwatched ?? []
  }

  /** How much longer to wait for cards of names not yet heard on this connection, in milliseconds. */
  get unheardForMs(): number {
    const heard = ({ name }: NamedSession) => this.unwatched.includes(name)
    if (this.peers.every((peer) => this.#told.has(peer) || heard(peer))) return 0
    return CARDS_MS - Math.abs(this.#clock.now() - this.#upAt)
  }

  /**
   * Asks for the cards, if the broker must be asked and was not within five seconds. Waits for at most that many
   * milliseconds.
   * @throws errors of the transport
   */
  async look(forMs: number): Promise<void> {
    const { live } = this.link
    if (live?.connection.look === undefined) return
    const now = this.#clock.now()
    if (this.#lookedAt !== undefined && Math.abs(now - this.#lookedAt) <= LOOK_EVERY_MS) return
    const looking = live.look().then((names = []) => {
      this.#lookedAt = this.#clock.now()
      for (const peer of this.peers) {
        if (!names.includes(peer.name)) peer.gone()
        this.#told.add(peer)
      }
    })
    await atMost(forMs, looking, { clock: this.#clock })
  }

  /** Resolves at the next news of the connection or of a card, after `ms` at the latest. */
  async changed(ms: number): Promise<void> {
    const change = deferred()
    this.#waiting.add(change.resolve)
    await atMost(ms, change.promise, { clock: this.#clock })
    this.#waiting.delete(change.resolve)
  }

  /**
   * Skips the back-off, unless the broker refuses; replaces an earlier request. Resolves when connected.
   * @throws TetherError `ABORTED`, `CLOSED`
   */
  connectAtOnce(): Promise<void> {
    this.#wish?.abort()
    this.#wish = new AbortController()
    return this.link.ready({ signal: this.#wish.signal, patient: this.refused })
  }

  /** Records that the session has these variables. */
  informed(peer: NamedSession, session: string, env: CallInput['env']): void {
    peer.informed = { session, fingerprint: this.#pack(env).fingerprint }
  }

  /** Performs an effect. @returns its result, if a call needs it @throws errors of the transport or the store */
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
        await this.ask(call.peer, id, effect.sent, effect.nonce)
        return undefined
      case 'credit':
        await this.#send(call.peer, { type: 'credit', id, ...call.body!.credit(effect.asks) })
        return undefined
      case 'presign':
        await this.#send(call.peer, { type: 'presign', id, bytes: effect.bytes })
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

  /** Asks about the fate of an invocation. @throws errors of the transport */
  ask(peer: NamedSession, id: string, sent?: string, nonce?: string): Promise<Sent> {
    const missing = this.#channel.incomplete(id)
    return this.#send(peer, { type: 'ask', id, nonce, boundTo: peer.heard, sent, missing })
  }

  /** Tells the session that the stub has given up. Best effort. */
  cancel(peer: NamedSession, id: string, { code, message: reason }: TetherError): void {
    this.#send(peer, { type: 'cancel', id, code, reason }).catch(() => {})
  }

  #invoke(call: Sendable, { facts, withEnv, at }: LastingEffect & { type: 'invoke' }): Promise<Sent> {
    const { ackedBy, stored, terms } = facts
    const { input, mirrored, startedAt } = terms
    const { peer, also } = call
    const { bytes, fingerprint } = this.#pack(input.env)
    // A successor does not have the variables of its predecessor.
    const known = peer.informed.session === peer.heard && peer.informed.fingerprint === fingerprint
    call.sends++
    // A session that asks for the variables has received the first message, and no other session has.
    if (call.sends === 1 || (call.sends === 2 && withEnv)) call.firstSentAt = at
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
      boundTo: peer.heard,
      envFingerprint: fingerprint,
      env: known && !withEnv ? undefined : bytes,
      event: stored === undefined ? call.event : undefined,
      stored: stored?.body,
      mirrored,
      streams: input.streams === true ? (true as const) : undefined,
      also: also.length > 0 ? also : undefined,
    }
    return this.#send(peer, draft, call.stop)
  }

  async #send(peer: NamedSession, draft: Draft, options?: AbortOptions): Promise<Sent> {
    if (!this.link.connected) this.connectAtOnce().catch(() => {})
    const { settled } = peer
    if (settled.length > 0) peer.settled = []
    draft.settled = settled
    draft.epoch = peer.epoch
    try {
      // If the message is lost, the session keeps these answers until their deadline.
      return await this.#channel.send(peer.to, draft as Outbound<StubMessage>, options)
    } catch (error) {
      peer.settled.push(...settled)
      throw error
    }
  }

  #onStatus(status: LinkStatus, events: LineEvents): void {
    const { state } = status
    if (state === 'connected') {
      this.#upAt = this.#clock.now()
      for (const { watch } of this.peers) watch.connected()
    }
    // Known cards may have changed by the next connection.
    else this.#forgetTold()
    if (state === 'connected' || state === 'disconnected') events.onEvent({ type: state })
    if (state !== 'disconnected') return
    const refused = this.peers.map(({ watch }) => watch.disconnected(status.error))
    if (refused.every(Boolean)) events.onEvent({ type: 'refused' })
  }

  #forgetTold(): void {
    this.#told.clear()
    this.#lookedAt = undefined
  }

  #named(name: string): NamedSession | undefined {
    return this.peers.find((peer) => peer.name === name)
  }

  #wake(): void {
    for (const settle of [...this.#waiting]) settle()
  }

  // In a team, messages carry the session's name. A session without a team's list sends none: its message belongs to
  // the peer that received the invocation.
  #hear(message: SessionMessage, events: LineEvents): void {
    const { id, name } = message
    const [only] = this.peers.length === 1 ? this.peers : []
    const peer = only ?? (name === undefined ? events.peerOf(id) : this.#named(name))
    if (peer === undefined || !peer.hears(message)) return
    this.refusal = undefined
    events.onMessage(message, peer)
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
