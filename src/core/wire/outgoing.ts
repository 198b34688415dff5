import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { AbortOptions, Endpoint } from '../contracts/transport.js'
import type { Counters } from './counters.js'
import { AssociatedData, encodeDestination, encodeHeader, MAX_FRAME_OVERHEAD, splitMessage } from './frame.js'
import { type RootKey, type SenderKey, senderKey } from './seal.js'

/** A message that has left, in whole or in part; it can leave again, frame by frame, unchanged. */
export interface Sent {
  /** How the receiver names it: sender id and message number. */
  readonly reference: string
  /** How many frames it has. */
  readonly count: number
  /** Its length before splitting. */
  readonly bytes: number
  /** Sends these parts again. @throws what the transport throws */
  resend(parts: readonly number[], options?: AbortOptions): Promise<void>
}

export interface OutgoingOptions {
  readonly self: Endpoint
  readonly frameBytes: number
  readonly counters?: Counters
  /**
   * Sends one frame, as `Connection.send` does: undefined when it has left, a promise while it has not. `bulk` frames let others
   * pass.
   */
  send(
    to: Endpoint,
    frame: Uint8Array,
    options: AbortOptions & { readonly bulk?: boolean },
  ): Promise<void> | undefined
}

interface Sender {
  readonly id: string
  readonly key: SenderKey
  /** The header of its frames, but for their numbers. */
  readonly head: Buffer
  /** By the receiver's role and name. */
  readonly associated: Record<Endpoint['role'], Map<string, AssociatedData>>
  messages: number
  frames: number
}

const MAX_FRAMES_PER_SENDER = 2 ** 32
const MAX_RECEIVERS_KEPT = 1_000
/** A transport may take a round trip of the network for each frame, so that several are on their way. */
const AT_ONCE = 8

/** Splits and seals what leaves: one sender id for each key, a new one after 2³² frames. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #senders = new Map<string, Sender>()

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  /** The message, once the transport has accepted every frame. @throws what the transport throws, by a promise */
  send(to: Endpoint, bytes: Buffer, root: RootKey, options: AbortOptions): Sent | Promise<Sent> {
    const parts = splitMessage(bytes, this.#options.frameBytes - MAX_FRAME_OVERHEAD)
    const sender = this.#sender(root, parts.length)
    const message = new OutgoingMessage(this.#options, sender, to, bytes, parts)
    const left = parts.length === 1 ? message.sendPart(0, options) : message.sendAll(options)
    return left === undefined ? message : left.then(() => message)
  }

  /** A message of one frame, for the broker to keep. */
  seal(to: Endpoint, bytes: Buffer, root: RootKey): Buffer {
    return new OutgoingMessage(this.#options, this.#sender(root, 1), to, bytes, [bytes]).frame(0)
  }

  #sender(root: RootKey, frames: number): Sender {
    let sender = this.#senders.get(root.id)
    if (sender === undefined || sender.frames + frames > MAX_FRAMES_PER_SENDER) {
      sender = newSender(this.#options.self, root)
      this.#senders.set(root.id, sender)
    }
    sender.frames += frames
    return sender
  }
}

class OutgoingMessage implements Sent {
  readonly count: number
  readonly bytes: number
  readonly #options: OutgoingOptions
  readonly #sender: Sender
  readonly #associated: AssociatedData
  readonly #to: Endpoint
  readonly #parts: readonly Uint8Array[]
  readonly #number: number

  constructor(
    options: OutgoingOptions,
    sender: Sender,
    to: Endpoint,
    bytes: Buffer,
    parts: readonly Uint8Array[],
  ) {
    this.count = parts.length
    this.bytes = bytes.length
    this.#options = options
    this.#sender = sender
    this.#associated = associatedData(sender, to)
    this.#to = to
    this.#parts = parts
    this.#number = sender.messages++
  }

  get reference(): string {
    return `${this.#sender.id}:${this.#number}`
  }

  async resend(again: readonly number[], options: AbortOptions = {}): Promise<void> {
    const { counters } = this.#options
    const there = again.filter((index) => this.#parts[index] !== undefined)
    await inTurns(there, (index) => {
      if (counters !== undefined) counters.partsResent++
      return this.sendPart(index, options)
    })
  }

  sendAll(options: AbortOptions): Promise<void> {
    return inTurns([...this.#parts.keys()], (index) => this.sendPart(index, options))
  }

  sendPart(index: number, options: AbortOptions): Promise<void> | undefined {
    if (this.count === 1) return this.#options.send(this.#to, this.frame(index), options)
    // Each frame that is on its way listens to it, in more than one place: Node is not to warn of a leak.
    if (options.signal !== undefined) setMaxListeners(0, options.signal)
    return this.#options.send(this.#to, this.frame(index), { ...options, bulk: true })
  }

  // The same part under the same number seals to the same bytes: sending it again reveals nothing.
  frame(index: number): Buffer {
    const { count, bytes: totalBytes } = this
    this.#associated.number({ messageNumber: this.#number, index, count, totalBytes })
    return this.#sender.key.seal(this.#associated, this.#parts[index]!)
  }
}

function newSender({ app, stage, role, name }: Endpoint, root: RootKey): Sender {
  const id = randomBytes(16).toString('hex')
  const numbers = { messageNumber: 0, index: 0, count: 1, totalBytes: 0 }
  return {
    id,
    key: senderKey(root, { app, stage, direction: role, senderId: id }),
    head: encodeHeader({ kind: role, keyId: root.id, senderId: id, from: name, ...numbers }),
    associated: { session: new Map(), stub: new Map() },
    messages: 0,
    frames: 0,
  }
}

function associatedData({ head, associated }: Sender, to: Endpoint): AssociatedData {
  const receivers = associated[to.role]
  let data = receivers.get(to.name)
  if (data === undefined) {
    data = new AssociatedData(head, encodeDestination(to))
    if (receivers.size >= MAX_RECEIVERS_KEPT) receivers.clear()
    receivers.set(to.name, data)
  }
  return data
}

/** The first by itself, which finds the way and lets the receiver acknowledge; then the others, several at once. */
async function inTurns(
  [first, ...rest]: readonly number[],
  send: (index: number) => Promise<void> | undefined,
): Promise<void> {
  if (first === undefined) return
  await send(first)
  if (rest.length === 0) return
  const next = rest.values()
  let failed = false
  const line = async () => {
    for (const index of next) {
      if (failed) return
      try {
        await send(index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, rest.length) }, line))
}
