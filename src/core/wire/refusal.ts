import type { Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import type { Endpoint } from '../contracts/transport.js'
import { encodeHeader, FRAME_VERSION } from './frame.js'

/** The content of the unsealed `refused`. It may be forged, so it changes the text of an error and nothing else. */
export interface Refusal {
  readonly reason: 'key' | 'version'
  /** The ids of the refusing side's keys. */
  readonly keyIds: readonly string[]
  /** The protocol version of the refusing side. */
  readonly version: number
}

// Enough to inform stubs with a wrong key, too few to amplify a flood.
const PER_SECOND = 10

/** Zeros. */
const NOBODY = 'A'.repeat(38)

export interface RefusalsOptions {
  readonly keys: { readonly ids: readonly string[] }
  readonly clock: Clock
  send(to: Endpoint, frame: Uint8Array): Promise<void> | undefined
}

/**
 * Tells stubs why their frames are not accepted. Only a session refuses, and only stubs, so that two sides never refuse
 * each other in a circle.
 */
export class Refusals {
  readonly #options: RefusalsOptions
  #second = 0
  #count = 0

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /** Sends a refusal, unless enough were sent in this second. */
  refuse(reason: Refusal['reason'], to: Endpoint): void {
    const { keys, clock, send } = this.#options
    const second = Math.floor(clock.now() / 1000)
    if (this.#second !== second) {
      this.#second = second
      this.#count = 0
    }
    if (++this.#count > PER_SECOND) return
    const refusal: Refusal = { reason, keyIds: keys.ids, version: FRAME_VERSION }
    const numbers = { messageNumber: 0, index: 0, count: 1, totalBytes: 0 }
    const header = encodeHeader({ kind: 'refused', sender: NOBODY, ...numbers })
    send(to, Buffer.concat([header, Buffer.from(JSON.stringify(refusal))]))?.catch(() => {
      // An answer that only explains is not worth a retry.
    })
  }
}

/** Reads the content of a `refused` frame. @throws TetherError `PROTOCOL`, or errors of JSON.parse */
export function readRefusal(bytes: Buffer): Refusal {
  const { reason, keyIds, version } = JSON.parse(bytes.toString('utf8')) as Partial<Refusal>
  const ids = Array.isArray(keyIds)
    ? keyIds.filter((id) => typeof id === 'string' && /^[0-9a-f]{8}$/.test(id))
    : []
  if ((reason !== 'key' && reason !== 'version') || typeof version !== 'number') {
    throw new TetherError('PROTOCOL', 'A refusal is not one of this protocol.')
  }
  // Bounded, since it may come from anyone and ends up in the text of an error.
  return { reason, keyIds: ids.slice(0, 8), version }
}
