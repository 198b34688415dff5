/** Bytes waiting to leave, in the order of writing. */
export class Gathered {
  readonly #pieces: Uint8Array[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.#bytes += piece.length
  }

  /** Takes that many bytes from the front; at least as many must be there. */
  take(bytes: number): Uint8Array {
    const taken: Uint8Array[] = []
    for (let left = bytes; left > 0; ) {
      const [first] = this.#pieces as [Uint8Array]
      if (first.length > left) {
        taken.push(first.subarray(0, left))
        this.#pieces[0] = first.subarray(left)
        break
      }
      this.#pieces.shift()
      taken.push(first)
      left -= first.length
    }
    this.#bytes -= bytes
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken, bytes)
  }

  clear(): void {
    this.#pieces.length = 0
    this.#bytes = 0
  }
}
