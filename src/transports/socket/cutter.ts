/**
 * Cuts a stream of chunks into pieces that state their own length. Keeps the chunks as they came until a piece is
 * complete, then copies once.
 */
export class Cutter {
  readonly #lengthOf: (start: Buffer) => number
  #chunks: Buffer[] = []
  #held = 0
  #needed = 1

  /**
   * @param lengthOf returns the length in bytes of the piece that begins here, or a lower bound larger than the buffer
   * while the piece is incomplete. `push` passes on its errors
   */
  constructor(lengthOf: (start: Buffer) => number) {
    this.#lengthOf = lengthOf
  }

  /** Yields the pieces that `chunk` completes. */
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
