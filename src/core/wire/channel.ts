import { BoundedMap } from '../base/bounded-map.js'
import type { Clock } from '../base/clock.js'
import { defined } from '../base/defined.js'
import { TetherError } from '../base/errors.js'
import { asText } from '../base/printable.js'
import type { Endpoint } from '../contracts/transport.js'
import { decodeMessage, encodeMessage, peekInvocationId } from './codec.js'
import type { Counters, Discard, DiscardReason } from './counters.js'
import {
  AssociatedData,
  decodeHeader,
  encodeDestination,
  type FrameHeader,
  HEAD_BYTES,
  type ReceivedFrame,
  readScope,
  scopeOf,
  senderIdOf,
} from './frame.js'
import type { Shapes } from './message-shapes.js'
import { type LeavingOptions, Outgoing, type OutgoingOptions, type Sent } from './outgoing.js'
import type { MessageFrom, MissingParts, Outbound, PeerMessage } from './protocol.js'
import { Reassembly } from './reassembly.js'
import { type Refusal, readRefusal } from './refusal.js'
import { ReplayWindow } from './replay-window.js'
import { type SenderKey, senderKey } from './seal.js'

export interface ChannelOptions<In extends Role> extends OutgoingOptions {
  /** Shapes of the messages from the other side. */
  readonly reads: Shapes<In>
  readonly clock: Clock
  /**
   * Called once for each complete message, with its number. `from` is the sender: 38 letters, of which the last 22 are
   * a stub's name.
   */
  onMessage(message: MessageFrom[In], from: string, number: number): void
  /** Handles messages of other sessions of this name; set for sessions. */
  readonly peers?: { readonly reads: Shapes<'peer'>; onMessage(message: PeerMessage): void }
  /** Called for a part of a message when its first part names this invocation. */
  onPart?(invocationId: string, from: string): void
  onDiscard(discard: Discard): void
  onRefused?(refusal: Refusal): void
  /** Tells a stub why its frames are not accepted; set for sessions. */
  refuse?(reason: Refusal['reason'], stub: Endpoint): void
}

const REMEMBER_MS = 60_000
const MAX_REMEMBERED = 10_000
const MAX_SCOPES = 1_000

type Role = Endpoint['role']

/** A sender heard before: its key, and the associated data of its frames to this side. */
interface Heard {
  readonly key: SenderKey
  readonly associated: AssociatedData
  /** The key from which the sender's key is derived. */
  readonly base: Buffer
}

/** Turns messages into sealed frames and back, for the receiver of messages from role `In`. */
export class Channel<In extends Role> {
  readonly #options: ChannelOptions<In>
  readonly #destination: Buffer
  readonly #senders = new BoundedMap<string, Heard>(MAX_REMEMBERED)
  readonly #bases = new BoundedMap<string, Buffer>(MAX_SCOPES)
  /** The invocation to which each incomplete message belongs. */
  readonly #firstParts = new BoundedMap<string, string>(MAX_REMEMBERED)
  readonly #seen: ReplayWindow
  readonly #reassembly: Reassembly
  readonly #outgoing: Outgoing
  readonly #counters: Counters | undefined

  constructor(options: ChannelOptions<In>) {
    this.#options = options
    this.#seen = new ReplayWindow(options.clock, REMEMBER_MS)
    this.#counters = options.counters
    this.#reassembly = new Reassembly(options.clock, undefined, this.#counters)
    this.#outgoing = new Outgoing(options)
    this.#destination = encodeDestination(options.self)
  }

  /** Whether this side should start over under another name; see `Outgoing`. */
  get worn(): boolean {
    return this.#outgoing.worn
  }

  /**
   * Splits, seals and sends. Resolves when the transport has accepted every frame.
   * @param options `scope` defaults to the scope of messages that this side begins
   * @throws errors of the transport
   */
  async send(
    to: Endpoint,
    message: Outbound<MessageFrom[Exclude<Role, In>] | PeerMessage>,
    { scope = this.#options.keys.scope, ...options }: LeavingOptions & { readonly scope?: string } = {},
  ): Promise<Sent> {
    return this.#outgoing.send(to, encodeMessage(message, this.#counters), scope, options)
  }

  /** Like `send`, but to a stub that was heard, with its own key. */
  async reply(
    to: string,
    message: Outbound<MessageFrom[Exclude<Role, In>]>,
    options: LeavingOptions = {},
  ): Promise<Sent> {
    const bytes = encodeMessage(message, this.#counters)
    return this.#outgoing.send(this.#stub(to), bytes, scopeOf(to), options)
  }

  /** Whether new messages of a sender are accepted without a proof; see {@link ReplayWindow.proven}. */
  proven(from: string): boolean {
    return this.#seen.proven(from)
  }

  /** See {@link ReplayWindow.prove}. */
  prove(from: string, number: number): void {
    this.#seen.prove(from, number)
  }

  /** The missing parts of a message, or undefined if no part has arrived. */
  missing(reference: string): readonly number[] | undefined {
    return this.#reassembly.missing(reference)
  }

  /** The incomplete message about an invocation, if its first part has arrived. */
  incomplete(invocationId: string): MissingParts | undefined {
    for (const [sent, id] of this.#firstParts.entries()) {
      const parts = id === invocationId ? this.missing(sent) : undefined
      if (parts !== undefined) return { sent, parts }
    }
    return undefined
  }

  /** Accepts any bytes that a transport delivers; never throws. */
  receive(frame: Uint8Array): void {
    let sender: string | undefined
    try {
      const decoded = decodeHeader(frame)
      sender = decoded.header.sender
      this.#receive(decoded)
    } catch (error) {
      const details: TetherError['details'] = error instanceof TetherError ? error.details : {}
      if (typeof details.sender === 'string') sender = details.sender
      this.#options.onDiscard(discardFor(error, sender))
      if (details.version !== undefined && details.kind === 'stub')
        this.#options.refuse?.('version', this.#stub(sender!))
    }
  }

  // Cheap checks first; nothing is remembered until the frame has proven authentic.
  #receive(frame: ReceivedFrame): void {
    const { header } = frame
    const { kind, sender } = header
    if (kind === 'refused') return this.#options.onRefused?.(readRefusal(frame.bytes.subarray(HEAD_BYTES)))
    const { self, peers, reads } = this.#options
    const isPeer = kind === self.role
    if (isPeer && peers === undefined)
      return this.#discard('forged', `A frame from a ${kind} arrived at one.`, header)
    // A stub of the whole stage and another session differ in nothing else.
    const from = isPeer ? `peer ${sender}` : sender
    const heard = this.#senders.get(from) ?? this.#derive(kind, sender, isPeer)
    if (heard === undefined) return this.#onUnknownKey(header)
    const part = heard.key.open(heard.associated, frame)
    if (part === undefined)
      return this.#discard(
        'forged',
        `A frame said to be from ${kind} '${senderIdOf(sender)}' is not authentic.`,
        header,
      )
    this.#senders.set(from, heard)
    if (!isPeer) this.#bases.set(scopeOf(sender), heard.base)
    const bytes = header.count === 1 ? this.#whole(from, header, part) : this.#join(from, header, part)
    if (bytes === undefined) return
    this.#seen.add(from, header.messageNumber)
    if (isPeer) return peers?.onMessage(decodeMessage(bytes, peers.reads))
    this.#options.onMessage(decodeMessage(bytes, reads, this.#counters), from, header.messageNumber)
  }

  #derive(kind: Role, sender: string, isPeer: boolean): Heard | undefined {
    const scope = scopeOf(sender)
    const known = isPeer ? undefined : this.#bases.get(scope)
    const base = known ?? this.#options.keys.base(scope, isPeer)
    if (base === undefined) return undefined
    // Overwritten for each frame.
    const associated = new AssociatedData(Buffer.alloc(HEAD_BYTES), this.#destination)
    return { key: senderKey(base, kind, sender), associated, base }
  }

  #onUnknownKey(header: FrameHeader): void {
    const { keyId, tag } = readScope(scopeOf(header.sender))
    const { ids } = this.#options.keys
    const text = ids.includes(keyId)
      ? `A frame sealed for function tag ${tag.toString('hex')} arrived, which this side has no key of.`
      : `A frame sealed with key ${keyId} arrived; this side has ${ids.join(', ')}. Deploy both sides with one key.`
    this.#discard('key', text, header)
    if (header.kind === 'stub') this.#options.refuse?.('key', this.#stub(header.sender))
  }

  /** A message of one part, or undefined if seen before. */
  #whole(from: string, { messageNumber }: FrameHeader, part: Buffer): Buffer | undefined {
    this.#reassembly.expire()
    return this.#isNew(from, messageNumber) ? part : undefined
  }

  /** The joined message when this is its last part, or undefined. */
  #join(from: string, header: FrameHeader, part: Buffer): Buffer | undefined {
    const reference = `${from}:${header.messageNumber}`
    // A message that is still arriving is not a repetition, however old it is.
    if (!this.#reassembly.has(reference) && !this.#isNew(from, header.messageNumber)) return undefined
    this.#notePart(reference, from, header, part)
    const bytes = this.#reassembly.add(reference, header, part)
    if (bytes !== undefined) this.#firstParts.delete(reference)
    return bytes
  }

  #isNew(from: string, number: number): boolean {
    const seen = this.#seen.seen(from, number)
    if (seen && this.#counters !== undefined) this.#counters.duplicateFrames++
    return !seen
  }

  #notePart(reference: string, from: string, header: FrameHeader, part: Buffer): void {
    if (this.#options.onPart === undefined) return
    if (header.index === 0) {
      const id = peekInvocationId(part)
      if (id === undefined) return
      this.#firstParts.set(reference, id)
    }
    const id = this.#firstParts.get(reference)
    if (id !== undefined) this.#options.onPart(id, from)
  }

  #stub(sender: string): Endpoint {
    const { app, stage } = this.#options.self
    return { app, stage, role: 'stub', name: senderIdOf(sender) }
  }

  #discard(reason: DiscardReason, message: string, { sender }: FrameHeader): void {
    this.#options.onDiscard({ reason, message, from: sender })
  }
}

function discardFor(error: unknown, from: string | undefined): Discard {
  const reason: DiscardReason =
    error instanceof TetherError && error.code === 'TOO_LARGE'
      ? 'too-large'
      : error instanceof TetherError && error.details.version !== undefined
        ? 'version'
        : 'malformed'
  const message = error instanceof Error ? error.message : asText(error)
  return { reason, message, ...defined({ from }) }
}
