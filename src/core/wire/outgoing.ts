import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { AbortOptions, Endpoint } from '../contracts/transport.js'
import type { Counters } from './counters.js'
import { encodeDestination, type FrameHeader, MAX_FRAME_OVERHEAD, splitMessage } from './frame.js'
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
  /** `bulk` frames let others pass. */
  send(to: Endpoint, frame: Uint8Array, options: AbortOptions & { readonly bulk: boolean }): Promise<void>
}

interface Sender {
  readonly id: string
  readonly key: SenderKey
  messages: number
  frames: number
}

const MAX_FRAMES_PER_SENDER = 2 ** 32
/** A transport may take a round trip of the network for each frame, so that several are on their way. */
const AT_ONCE = 8

/** Splits and seals what leaves: one sender id for each key, a new one after 2³² frames. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #senders = new Map<string, Sender>()

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  /** Resolves when the transport has accepted every frame. @throws what the transport throws */
  async send(to: Endpoint, bytes: Buffer, root: RootKey, options: AbortOptions): Promise<Sent> {
    const { frameBytes, counters } = this.#options
    const parts = splitMessage(bytes, frameBytes - MAX_FRAME_OVERHEAD)
    const sender = this.#sender(root, parts.length)
    const messageNumber = sender.messages++
    const destination = encodeDestination(to)
    const sendPart = async (index: number, sendOptions: AbortOptions) => {
      // Each frame that is on its way listens to it, in more than one place: Node is not to warn of a leak.
      if (sendOptions.signal !== undefined && parts.length > 1) setMaxListeners(0, sendOptions.signal)
      const header = this.#header(root, sender, messageNumber, { index, count: parts.length, bytes })
      // The same part under the same number seals to the same bytes: sending it again reveals nothing.
      const frame = sender.key.seal(header, destination, parts[index]!)
      await this.#options.send(to, frame, { ...sendOptions, bulk: parts.length > 1 })
    }
    await inTurns([...parts.keys()], (index) => sendPart(index, options))
    return {
      reference: `${sender.id}:${messageNumber}`,
      count: parts.length,
      bytes: bytes.length,
      async resend(again, resendOptions = {}) {
        const there = again.filter((index) => parts[index] !== undefined)
        await inTurns(there, async (index) => {
          if (counters !== undefined) counters.partsResent++
          await sendPart(index, resendOptions)
        })
      },
    }
  }

  /** A message of one frame, for the broker to keep. */
  seal(to: Endpoint, bytes: Buffer, root: RootKey): Buffer {
    const sender = this.#sender(root, 1)
    const header = this.#header(root, sender, sender.messages++, { index: 0, count: 1, bytes })
    return sender.key.seal(header, encodeDestination(to), bytes)
  }

  #header(
    root: RootKey,
    sender: Sender,
    messageNumber: number,
    { index, count, bytes }: { index: number; count: number; bytes: Buffer },
  ): FrameHeader {
    const { role: kind, name: from } = this.#options.self
    const senderId = sender.id
    return { kind, keyId: root.id, senderId, messageNumber, index, count, totalBytes: bytes.length, from }
  }

  #sender(root: RootKey, frames: number): Sender {
    const { app, stage, role } = this.#options.self
    let sender = this.#senders.get(root.id)
    if (sender === undefined || sender.frames + frames > MAX_FRAMES_PER_SENDER) {
      const id = randomBytes(16).toString('hex')
      const key = senderKey(root, { app, stage, direction: role, senderId: id })
      sender = { id, key, messages: 0, frames: 0 }
      this.#senders.set(root.id, sender)
    }
    sender.frames += frames
    return sender
  }
}

/** The first by itself, which finds the way and lets the receiver acknowledge; then the others, several at once. */
async function inTurns([first, ...rest]: readonly number[], send: (index: number) => Promise<void>) {
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
