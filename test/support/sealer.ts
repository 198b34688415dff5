import { randomBytes } from 'node:crypto'
import type { Endpoint } from '../../src/core/contracts/transport.js'
import {
  AssociatedData,
  encodeDestination,
  encodeHeader,
  type FrameHeader,
} from '../../src/core/wire/frame.js'
import { rootKey, senderKey } from '../../src/core/wire/seal.js'

/** Who has the key, and seals whatever it likes. */
export class Sealer {
  readonly #root
  readonly #key
  readonly #self: Endpoint
  readonly #senderId = randomBytes(16).toString('hex')
  #messages = 0

  constructor(key: string, self: Endpoint) {
    const { app, stage, role: direction } = self
    this.#self = self
    this.#root = rootKey(key)
    this.#key = senderKey(this.#root, { app, stage, direction, senderId: this.#senderId })
  }

  /** An authentic frame: by default a whole message's only one. */
  frame(
    to: Endpoint,
    part: Uint8Array,
    header: Partial<Pick<FrameHeader, 'messageNumber' | 'index' | 'count' | 'totalBytes'>> = {},
  ): Buffer {
    const { role: kind, name: from } = this.#self
    const head = encodeHeader({
      kind,
      from,
      keyId: this.#root.id,
      senderId: this.#senderId,
      messageNumber: this.#messages++,
      index: 0,
      count: 1,
      totalBytes: part.length,
      ...header,
    })
    return this.#key.seal(new AssociatedData(head, encodeDestination(to)), part)
  }
}
