import { BoundedMap } from '../base/bounded-map.js'
import type { Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import { printable } from '../base/printable.js'
import type { AbortOptions, Endpoint } from '../contracts/transport.js'
import { decodeMessage, encodeMessage, peekInvocationId } from './codec.js'
import { Counters, type Discard, type DiscardReason } from './counters.js'
import {
  AssociatedData,
  decodeHeader,
  encodeDestination,
  type FrameHeader,
  type ReceivedFrame,
} from './frame.js'
import { Outgoing, type OutgoingOptions, type Sent } from './outgoing.js'
import type { MessageFrom, MissingParts, Outbound, PeerMessage } from './protocol.js'
import { Reassembly } from './reassembly.js'
import { type Refusal, Refusals, readRefusal } from './refusal.js'
import { ReplayWindow } from './replay-window.js'
import { type RootKey, type SenderKey, senderKey } from './seal.js'

export interface ChannelOptions<In extends Role> {
  readonly self: Endpoint
  /** The first seals; all of them open. */
  readonly keys: readonly RootKey[]
  readonly frameBytes: number
  readonly clock: Clock
  /** @default counts that nobody reads */
  readonly counters?: Counters
  send: OutgoingOptions['send']
  /** A whole message, once, from the named endpoint of the other role. */
  onMessage(message: MessageFrom[In], from: string): void
  /** What another session of this name says; sessions have it. */
  onPeer?(message: PeerMessage): void
  /** A part of a message whose first part names this invocation. */
  onPart?(invocationId: string, from: string): void
  onDiscard(discard: Discard): void
  onRefused?(refusal: Refusal): void
}

const REMEMBER_MS = 60_000
const MAX_REMEMBERED = 10_000

type Role = Endpoint['role']

/** Who was heard: its key, and what its frames to this side authenticate beside their parts. */
interface Heard {
  readonly key: SenderKey
  associated: AssociatedData | undefined
}

/** Turns messages into sealed frames and back, for the side that receives what role `In` sends. */
export class Channel<In extends Role> {
  readonly #options: ChannelOptions<In>
  readonly #self: Buffer
  readonly #senders = new BoundedMap<string, Heard>(MAX_REMEMBERED)
  /** The invocation that each incomplete message is about. */
  readonly #firstParts = new BoundedMap<string, string>(MAX_REMEMBERED)
  readonly #seen: ReplayWindow
  readonly #reassembly: Reassembly
  readonly #refusals: Refusals
  readonly #outgoing: Outgoing
  readonly #counters: Counters
  /** Which key each peer uses, so that it is answered with its own. */
  readonly #keyOf = new BoundedMap<string, RootKey>(MAX_REMEMBERED)

  constructor(options: ChannelOptions<In>) {
    this.#options = options
    this.#seen = new ReplayWindow(options.clock, REMEMBER_MS)
    this.#counters = options.counters ?? new Counters()
    this.#reassembly = new Reassembly(options.clock, undefined, this.#counters)
    this.#refusals = new Refusals(options)
    this.#outgoing = new Outgoing(options)
    this.#self = encodeDestination(options.self)
  }

  /** Splits, seals and sends; resolves when the transport has accepted every frame. @throws what it throws */
  async send(
    to: Endpoint,
    message: Outbound<MessageFrom[Exclude<Role, In>] | PeerMessage>,
    options: AbortOptions = {},
  ): Promise<Sent> {
    const root = this.#keyOf.get(to.name) ?? this.#options.keys[0]!
    return this.#outgoing.send(to, encodeMessage(message, this.#counters), root, options)
  }

  /** Which parts of a message have not arrived, or undefined when none has. */
  missing(reference: string): readonly number[] | undefined {
    return this.#reassembly.missing(reference)
  }

  /** The incomplete message about an invocation, if its first part is among those that arrived. */
  incomplete(invocationId: string): MissingParts | undefined {
    for (const [sent, id] of this.#firstParts.entries()) {
      const parts = id === invocationId ? this.missing(sent) : undefined
      if (parts !== undefined) return { sent, parts }
    }
    return undefined
  }

  /** One sealed frame for a broker to keep. */
  seal(to: Endpoint, message: PeerMessage): Buffer {
    return this.#outgoing.seal(to, encodeMessage(message), this.#options.keys[0]!)
  }

  /** Takes whatever a transport delivered, or keeps for the name `kept`; never throws. */
  receive(frame: Uint8Array, kept?: Endpoint): void {
    let from: string | undefined
    try {
      const decoded = decodeHeader(frame)
      from = decoded.header.from
      this.#receive(decoded, kept === undefined ? this.#self : encodeDestination(kept))
    } catch (error) {
      const details = error instanceof TetherError ? error.details : {}
      if (typeof details.from === 'string') from = details.from
      this.#options.onDiscard(discardFor(error, from))
      if (details.version !== undefined) this.#refuse('version', from)
    }
  }

  #receive(frame: ReceivedFrame, destination: Buffer): void {
    const { header } = frame
    if (header.kind === 'refused')
      return this.#options.onRefused?.(readRefusal(frame.bytes.subarray(frame.headBytes)))
    const { self } = this.#options
    const expected = self.role === 'session' ? 'stub' : 'session'
    const peer = header.kind === self.role && this.#options.onPeer !== undefined
    if (header.kind !== expected && !peer) {
      return this.#discard('forged', `A frame from a ${header.kind} arrived at one.`, header)
    }
    const root = this.#options.keys.find((key) => key.id === header.keyId)
    if (root === undefined) {
      // What a session with another key has left with the broker is nobody's mistake.
      if (destination !== this.#self) return
      const own = this.#options.keys.map((key) => key.id).join(', ')
      this.#discard(
        'key',
        `A frame sealed with key ${header.keyId} arrived; this side has ${own}. Deploy both sides with one key.`,
        header,
      )
      return this.#refuse('key', header.from)
    }
    const sender = this.#senders.get(header.senderId) ?? this.#heard(root, header)
    const part = sender.key.open(this.#associated(sender, frame, destination), frame)
    if (part === undefined) {
      return this.#discard(
        'forged',
        `A frame said to be from ${header.kind} '${header.from}' is not authentic.`,
        header,
      )
    }
    this.#senders.set(header.senderId, sender)
    if (!peer) this.#keyOf.set(header.from, root)
    const bytes = header.count === 1 ? this.#whole(header, part) : this.#join(header, part)
    if (bytes === undefined) return
    this.#seen.add(header.senderId, header.messageNumber)
    if (peer) this.#options.onPeer?.(decodeMessage(bytes, 'peer'))
    else this.#options.onMessage(decodeMessage(bytes, expected as In, this.#counters), header.from)
  }

  /** A message of one part, or undefined where it was seen before. */
  #whole(header: FrameHeader, part: Buffer): Buffer | undefined {
    if (!this.#seen.seen(header.senderId, header.messageNumber)) return this.#reassembly.whole(header, part)
    this.#counters.duplicateFrames++
    return undefined
  }

  /** A message of several parts when this is its last one. */
  #join(header: FrameHeader, part: Buffer): Buffer | undefined {
    const messageId = `${header.senderId}:${header.messageNumber}`
    // One that is still arriving is none that was seen, however old it has become.
    if (!this.#reassembly.has(messageId) && this.#seen.seen(header.senderId, header.messageNumber)) {
      this.#counters.duplicateFrames++
      return undefined
    }
    this.#notePart(messageId, header, part)
    const bytes = this.#reassembly.add(messageId, header, part)
    if (bytes !== undefined) this.#firstParts.delete(messageId)
    return bytes
  }

  #notePart(messageId: string, header: FrameHeader, part: Buffer): void {
    if (this.#options.onPart === undefined) return
    if (header.index === 0) {
      const id = peekInvocationId(part)
      if (id === undefined) return
      this.#firstParts.set(messageId, id)
    }
    const id = this.#firstParts.get(messageId)
    if (id !== undefined) this.#options.onPart(id, header.from)
  }

  // Only a session refuses, and only stubs, so two sides can never refuse each other in a circle.
  #refuse(reason: Refusal['reason'], name: string | undefined): void {
    const { self } = this.#options
    if (self.role !== 'session' || name === undefined || name === '') return
    const frame = this.#refusals.frame(reason)
    if (frame === undefined) return
    const to: Endpoint = { app: self.app, stage: self.stage, role: 'stub', name }
    this.#options.send(to, frame, {})?.catch(() => {
      // An answer that only explains is worth no retry.
    })
  }

  #discard(reason: DiscardReason, message: string, header: FrameHeader): void {
    this.#options.onDiscard({ reason, message: printable(message), from: printable(header.from) })
  }

  #heard(root: RootKey, { kind, senderId }: FrameHeader): Heard {
    const { app, stage } = this.#options.self
    const direction = kind === 'stub' ? 'stub' : 'session'
    return { key: senderKey(root, { app, stage, direction, senderId }), associated: undefined }
  }

  /** Kept for each sender: its header has always the same length. */
  #associated(sender: Heard, { bytes, headBytes }: ReceivedFrame, destination: Buffer): AssociatedData {
    const made = () => new AssociatedData(bytes.subarray(0, headBytes), destination)
    if (destination !== this.#self) return made()
    if (sender.associated?.head.length !== headBytes) sender.associated = made()
    return sender.associated
  }
}

function discardFor(error: unknown, from: string | undefined): Discard {
  const reason: DiscardReason =
    error instanceof TetherError && error.code === 'TOO_LARGE'
      ? 'too-large'
      : error instanceof TetherError && error.details.version !== undefined
        ? 'version'
        : 'malformed'
  const message = printable(error instanceof Error ? error.message : error)
  return from === undefined ? { reason, message } : { reason, message, from: printable(from) }
}
