import type { Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import type { Endpoint } from '../contracts/transport.js'
import { encodeHeader, FRAME_VERSION } from './frame.js'
import type { RootKey } from './seal.js'

/** What the unsealed `refused` says; it may be forged, so it changes an error's text and nothing else. */
export interface Refusal {
  readonly reason: 'key' | 'version'
  /** The ids of the keys that the refusing side has. */
  readonly keyIds: readonly string[]
  /** The protocol version that it speaks. */
  readonly version: number
}

// Enough to explain itself to whoever has the wrong key, too few to amplify a flood.
const PER_SECOND = 10

/** Makes the frames that explain why nothing else was answered. */
export class Refusals {
  readonly #options: { readonly self: Endpoint; readonly keys: readonly RootKey[]; readonly clock: Clock }
  #second = 0
  #count = 0

  constructor(options: {
    readonly self: Endpoint
    readonly keys: readonly RootKey[]
    readonly clock: Clock
  }) {
    this.#options = options
  }

  /** A frame, or undefined when enough were made in this second. */
  frame(reason: Refusal['reason']): Buffer | undefined {
    const { self, keys, clock } = this.#options
    const second = Math.floor(clock.now() / 1000)
    if (this.#second !== second) {
      this.#second = second
      this.#count = 0
    }
    if (++this.#count > PER_SECOND) return undefined
    const refusal: Refusal = { reason, keyIds: keys.map((key) => key.id), version: FRAME_VERSION }
    const header = encodeHeader({
      kind: 'refused',
      keyId: '00000000',
      senderId: '0'.repeat(32),
      messageNumber: 0,
      index: 0,
      count: 1,
      totalBytes: 0,
      from: self.name,
    })
    return Buffer.concat([header, Buffer.from(JSON.stringify(refusal))])
  }
}

/** Reads what follows the header of a `refused` frame. @throws TetherError `PROTOCOL`, or what JSON.parse throws */
export function readRefusal(bytes: Buffer): Refusal {
  const { reason, keyIds, version } = JSON.parse(bytes.toString('utf8')) as Partial<Refusal>
  const ids = Array.isArray(keyIds)
    ? keyIds.filter((id) => typeof id === 'string' && /^[0-9a-f]{8}$/.test(id))
    : []
  if ((reason !== 'key' && reason !== 'version') || typeof version !== 'number') {
    throw new TetherError('PROTOCOL', 'A refusal is not one of this protocol.')
  }
  // Bounded, since anybody may have written it and it ends up in an error's text.
  return { reason, keyIds: ids.slice(0, 8), version }
}
