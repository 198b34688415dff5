import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.js'
import { decodeMessage, encodeMessage, peekInvocationId } from './codec.js'
import { TetherError } from './errors.js'
import { decodeHeader, encodeDestination, type FrameHeader, MAX_FRAME_OVERHEAD, split } from './frame.js'
import type { MessageFrom } from './protocol.js'
import { Reassembly } from './reassembly.js'
import { RecentIds } from './recent-ids.js'
import { type Refusal, Refusals, readRefusal } from './refusal.js'
import { type RootKey, type SenderKey, senderKey } from './seal.js'
import type { AbortOptions, Endpoint } from './transport.js'

/** Why something that arrived was dropped. */
export type DiscardReason =
  /** No frame or message of this protocol, or a type this version does not know. */
  | 'malformed'
  /** A frame of another protocol version. */
  | 'version'
  /** Sealed with a key that this side does not have. */
  | 'key'
  /** Forged, altered, or sealed for another receiver. */
  | 'forged'
  /** Over a limit. */
  | 'too-large'
  /** An outcome that came after its invocation had ended. */
  | 'late'

/** One dropped arrival; never holds payloads or keys. */
export interface Discard {
  readonly reason: DiscardReason
  readonly message: string
  /** What the frame says of its sender; unproven unless `reason` is `late`. */
  readonly from?: string
}

export interface ChannelOptions<In extends Role> {
  readonly self: Endpoint
  /** The first seals; all of them open. */
  readonly keys: readonly RootKey[]
  readonly frameBytes: number
  readonly clock: Clock
  send(to: Endpoint, frame: Uint8Array, options: AbortOptions): Promise<void>
  /** A whole message, once, from the named endpoint of the other role. */
  onMessage(message: MessageFrom[In], from: string): void
  /** A part of a message whose first part names this invocation. */
  onPart?(invocationId: string, from: string): void
  onDiscard(discard: Discard): void
  onRefused?(refusal: Refusal): void
}

const REMEMBER_MS = 60_000
const MAX_FRAMES_PER_SENDER = 2 ** 32
const MAX_SENDERS = 10_000

type Role = Endpoint['role']

/** Turns messages into sealed frames and back, for the side that receives what role `In` sends. */
export class Channel<In extends Role> {
  readonly #options: ChannelOptions<In>
  readonly #destinations = new Map<string, Buffer>()
  readonly #senders = new Map<string, SenderKey>()
  readonly #firstParts = new Map<string, string>()
  readonly #recent: RecentIds
  readonly #reassembly: Reassembly
  readonly #refusals: Refusals
  #sender: { id: string; key: SenderKey; messages: number; frames: number }

  constructor(options: ChannelOptions<In>) {
    this.#options = options
    this.#recent = new RecentIds(options.clock, REMEMBER_MS)
    this.#reassembly = new Reassembly(options.clock)
    this.#refusals = new Refusals(options)
    this.#sender = this.#newSender()
  }

  /** Splits, seals and sends; resolves when the transport has accepted every frame. @throws what it throws */
  async send(
    to: Endpoint,
    message: MessageFrom[Exclude<Role, In>],
    options: AbortOptions = {},
  ): Promise<void> {
    const bytes = encodeMessage(message)
    const parts = split(bytes, this.#options.frameBytes - MAX_FRAME_OVERHEAD)
    if (this.#sender.frames + parts.length > MAX_FRAMES_PER_SENDER) this.#sender = this.#newSender()
    this.#sender.frames += parts.length
    const messageNumber = this.#sender.messages++
    const { id: senderId, key } = this.#sender
    const destination = this.#destination(to)
    for (const [index, part] of parts.entries()) {
      const header: FrameHeader = {
        kind: this.#options.self.role,
        keyId: this.#options.keys[0]!.id,
        senderId,
        messageNumber,
        index,
        count: parts.length,
        totalBytes: bytes.length,
        from: this.#options.self.name,
      }
      await this.#options.send(to, key.seal(header, destination, part), options)
    }
  }

  /** Takes whatever a transport delivered; never throws. */
  receive(frame: Uint8Array): void {
    let from: string | undefined
    try {
      const decoded = decodeHeader(frame)
      from = decoded.header.from
      this.#receive(decoded)
    } catch (error) {
      const details = error instanceof TetherError ? error.details : {}
      if (typeof details.from === 'string') from = details.from
      this.#options.onDiscard(discardFor(error, from))
      if (details.version !== undefined) this.#refuse('version', from)
    }
  }

  #receive({ header, head, rest }: ReturnType<typeof decodeHeader>): void {
    if (header.kind === 'refused') return this.#options.onRefused?.(readRefusal(rest))
    const expected = this.#options.self.role === 'session' ? 'stub' : 'session'
    if (header.kind !== expected)
      return this.#discard('forged', `A frame from a ${header.kind} arrived at one.`, header)
    const root = this.#options.keys.find((key) => key.id === header.keyId)
    if (root === undefined) {
      const own = this.#options.keys.map((key) => key.id).join(', ')
      this.#discard(
        'key',
        `A frame sealed with key ${header.keyId} arrived; this side has ${own}. Deploy both sides with one key.`,
        header,
      )
      return this.#refuse('key', header.from)
    }
    const messageId = `${header.senderId}:${header.messageNumber}`
    const sender = this.#senders.get(header.senderId) ?? this.#senderKey(root, expected, header.senderId)
    const part = sender.open(head, header, this.#destination(this.#options.self), rest)
    if (part === undefined) {
      return this.#discard(
        'forged',
        `A frame said to be from ${expected} '${header.from}' is not authentic.`,
        header,
      )
    }
    this.#rememberSender(header.senderId, sender)
    if (this.#recent.has(messageId)) return
    this.#notePart(messageId, header, part)
    const bytes = this.#reassembly.add(messageId, header, part)
    if (bytes === undefined) return
    this.#recent.add(messageId)
    this.#firstParts.delete(messageId)
    this.#options.onMessage(decodeMessage(bytes, expected as In), header.from)
  }

  #notePart(messageId: string, header: FrameHeader, part: Buffer): void {
    if (header.count === 1 || this.#options.onPart === undefined) return
    if (header.index === 0) {
      const id = peekInvocationId(part)
      if (id === undefined) return
      this.#firstParts.set(messageId, id)
      evictOldest(this.#firstParts, MAX_SENDERS)
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
    this.#options.send(to, frame, {}).catch(() => {
      // An answer that only explains is worth no retry.
    })
  }

  #discard(reason: DiscardReason, message: string, header: FrameHeader): void {
    this.#options.onDiscard({ reason, message, from: header.from })
  }

  #newSender() {
    const id = randomBytes(16).toString('hex')
    const { self, keys } = this.#options
    return { id, key: this.#senderKey(keys[0]!, self.role, id), messages: 0, frames: 0 }
  }

  #senderKey(root: RootKey, direction: 'session' | 'stub', senderId: string): SenderKey {
    const { app, stage } = this.#options.self
    return senderKey(root, { app, stage, direction, senderId })
  }

  #rememberSender(senderId: string, key: SenderKey): void {
    this.#senders.delete(senderId)
    this.#senders.set(senderId, key)
    evictOldest(this.#senders, MAX_SENDERS)
  }

  #destination(to: Endpoint): Buffer {
    const key = `${to.role} ${to.name}`
    let bytes = this.#destinations.get(key)
    if (bytes === undefined) {
      bytes = encodeDestination(to)
      this.#destinations.set(key, bytes)
      evictOldest(this.#destinations, MAX_SENDERS)
    }
    return bytes
  }
}

function discardFor(error: unknown, from: string | undefined): Discard {
  const reason: DiscardReason =
    error instanceof TetherError && error.code === 'TOO_LARGE'
      ? 'too-large'
      : error instanceof TetherError && error.details.version !== undefined
        ? 'version'
        : 'malformed'
  const message = error instanceof Error ? error.message : String(error)
  return from === undefined ? { reason, message } : { reason, message, from }
}

// Maps iterate in insertion order.
function evictOldest(map: Map<string, unknown>, size: number): void {
  if (map.size <= size) return
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
