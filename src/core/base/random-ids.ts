import { randomBytes } from 'node:crypto'

const ID_BYTES = 16
const IDS_AT_ONCE = 64

/**
 * Random ids of 128 bits, as base64url. Draws 64 ids from the system at once, for the price of one. Draws nothing
 * before the first `next()`, so that a snapshot of the process contains no random bytes.
 */
export class RandomIds {
  #bytes = Buffer.alloc(0)
  #used = 0

  next(): string {
    if (this.#used === this.#bytes.length) {
      this.#bytes = randomBytes(ID_BYTES * IDS_AT_ONCE)
      this.#used = 0
    }
    const start = this.#used
    this.#used += ID_BYTES
    return this.#bytes.toString('base64url', start, this.#used)
  }
}
