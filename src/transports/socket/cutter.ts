/**
 * Cuts what arrives in chunks into pieces that say their own length. Chunks are kept as they came until a piece is whole, then
 * copied once.
 */
export class Cutter {
  readonly #lengthOf: (start: Buffer) => number
  #chunks: Buffer[] = []
  #held = 0
  #needed = 1

  /**
   * @param lengthOf how long the piece is that begins here, in bytes; more than there are, as far as can be told, where it is
   * not whole. What it throws `push` throws
   */
  constructor(lengthOf: (start: Buffer) => number) {
    this.#lengthOf = lengthOf
  }

  /** The pieces that `chunk` completes. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#held < this.#needed) return
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    for (;;) {
      const length = this.#lengthOf(rest)
      if (length > rest.length) {
        this.#chunks = rest.length === 0 ? [] : [rest]
        this.#held = rest.length
        this.#needed = length
        return
      }
      yield rest.subarray(0, length)
      rest = rest.subarray(length)
    }
  }
}
