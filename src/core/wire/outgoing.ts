import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { BoundedMap } from '../base/bounded-map.js'
import { TetherError } from '../base/errors.js'
import type { AbortOptions, Endpoint } from '../contracts/transport.js'
import type { Counters } from './counters.js'
import { AssociatedData, encodeDestination, encodeHeader, FRAME_OVERHEAD, splitMessage } from './frame.js'
import { type ChannelKeys, type SenderKey, senderKey } from './seal.js'

/** A message that has left, in whole or in part. It can be sent again, frame by frame, unchanged. */
export interface Sent {
  /** The receiver's reference to it: sender and message number. */
  readonly reference: string
  /** The number of its frames. */
  readonly count: number
  /** Its length before splitting. */
  readonly bytes: number
  /** Sends these parts again. @throws errors of the transport */
  resend(parts: readonly number[], options?: LeavingOptions): Promise<void>
}

/** `bulk` lets other messages pass. */
export interface LeavingOptions extends AbortOptions {
  readonly bulk?: boolean
}

export interface OutgoingOptions {
  /** A stub's name is its sender id: 128 random bits as base64url. */
  readonly self: Endpoint
  readonly keys: ChannelKeys
  readonly frameBytes: number
  readonly counters?: Counters
  /** Sends one frame like `Connection.send`: returns undefined if it has left, otherwise a promise. */
  send(to: Endpoint, frame: Uint8Array, options: LeavingOptions): Promise<void> | undefined
}

/** This side as seen by holders of one scope's key. */
interface Sender {
  /** Scope and sender id. */
  readonly text: string
  readonly key: SenderKey
  /** The header of its frames, without their numbers. */
  readonly head: Buffer
  /** By the receiver's name. */
  readonly associated: Map<string, AssociatedData>
}

const MAX_FRAMES_PER_SENDER = 2 ** 32
const MAX_RECEIVERS_KEPT = 1_000
const MAX_SCOPES_KEPT = 1_000
/** A transport may take a network round trip for each frame, so several are sent at once. */
const AT_ONCE = 8

/** Splits and seals outgoing messages under one sender id; takes a new id after 2³² frames. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #senders = new BoundedMap<string, Sender>(MAX_SCOPES_KEPT)
  readonly #maxFrames: number
  #id: string
  // Shared by all scopes: a number is never used twice, even if its scope was forgotten in between.
  #messages = 0
  #frames = 0

  constructor(options: OutgoingOptions, maxFrames = MAX_FRAMES_PER_SENDER) {
    const { self } = options
    this.#options = options
    this.#maxFrames = maxFrames
    this.#id = self.role === 'stub' ? self.name : randomId()
  }

  /** Whether a stub has used up half of the frames that it may seal under its name. */
  get worn(): boolean {
    return this.#frames > this.#maxFrames / 2
  }

  /**
   * Resolves to the message once the transport has accepted every frame.
   * @throws errors of the transport, by rejection
   */
  send(to: Endpoint, bytes: Buffer, scope: string, options: LeavingOptions): Sent | Promise<Sent> {
    const parts = splitMessage(bytes, this.#options.frameBytes - FRAME_OVERHEAD)
    this.#count(parts.length)
    const sender = this.#sender(scope, to)
    const message = new OutgoingMessage(this.#options, sender, to, bytes, parts, this.#messages++)
    const left = parts.length === 1 ? message.sendPart(0, options) : message.sendAll(options)
    return left === undefined ? message : left.then(() => message)
  }

  #count(frames: number): void {
    this.#frames += frames
    if (this.#frames <= this.#maxFrames) return
    if (this.#options.self.role === 'stub')
      throw new TetherError('PROTOCOL', `This stub has sealed ${this.#maxFrames} frames; make another.`)
    this.#id = randomId()
    this.#senders.clear()
    this.#messages = 0
    this.#frames = frames
  }

  #sender(scope: string, to: Endpoint): Sender {
    const { self, keys } = this.#options
    const peer = to.role === self.role
    const known = peer ? `peer ${scope}` : scope
    const sender = this.#senders.get(known) ?? newSender(self.role, keys.base(scope, peer)!, scope + this.#id)
    this.#senders.set(known, sender)
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
    number: number,
  ) {
    this.count = parts.length
    this.bytes = bytes.length
    this.#options = options
    this.#sender = sender
    this.#associated = associatedData(sender, to)
    this.#to = to
    this.#parts = parts
    this.#number = number
  }

  get reference(): string {
    return `${this.#sender.text}:${this.#number}`
  }

  async resend(again: readonly number[], options: LeavingOptions = {}): Promise<void> {
    const { counters } = this.#options
    // A short list may repeat one part endlessly.
    const there = [...new Set(again)].filter((index) => this.#parts[index] !== undefined)
    await inTurns(there, (index) => {
      if (counters !== undefined) counters.partsResent++
      return this.sendPart(index, options)
    })
  }

  sendAll(options: LeavingOptions): Promise<void> {
    return inTurns([...this.#parts.keys()], (index) => this.sendPart(index, options))
  }

  sendPart(index: number, options: LeavingOptions): Promise<void> | undefined {
    if (this.count === 1) return this.#options.send(this.#to, this.frame(index), options)
    // Every frame under way adds listeners in more than one place: keep Node from warning of a leak.
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

function randomId(): string {
  return randomBytes(16).toString('base64url')
}

function newSender(kind: Endpoint['role'], base: Buffer, text: string): Sender {
  const numbers = { messageNumber: 0, index: 0, count: 1, totalBytes: 0 }
  return {
    text,
    key: senderKey(base, kind, text),
    head: encodeHeader({ kind, sender: text, ...numbers }),
    associated: new Map(),
  }
}

function associatedData({ head, associated }: Sender, to: Endpoint): AssociatedData {
  let data = associated.get(to.name)
  if (data === undefined) {
    data = new AssociatedData(head, encodeDestination(to))
    if (associated.size >= MAX_RECEIVERS_KEPT) associated.clear()
    associated.set(to.name, data)
  }
  return data
}

/**
 * Sends the first alone, which establishes the route and lets the receiver acknowledge; then the others, several at
 * once.
 */
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
