import { randomBytes } from 'node:crypto'

const ID_BYTES = 16
const IDS_AT_ONCE = 64

/**
 * Random ids of 128 bits, as base64url. Many are drawn from the system at once, which costs as much as one. The first draw is
 * the first `next()`: what a snapshot of the process holds before that is not random.
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
