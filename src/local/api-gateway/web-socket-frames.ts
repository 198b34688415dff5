/** The header of a WebSocket frame. */
export interface FrameHead {
  /** 0 continuation, 1 text, 2 binary, 8 to 10 control. */
  readonly opcode: number
  /** Length of the payload, in bytes. */
  readonly length: number
}

// Two bytes, eight of an extended length, four of a mask.
const LONGEST_HEAD = 14

/** Reads the headers of a client's WebSocket frames from a stream of bytes, split anywhere. */
export class FrameHeads {
  readonly #head = Buffer.alloc(LONGEST_HEAD)
  #filled = 0
  // Remaining payload bytes of the current frame.
  #payload = 0

  /** Reads the next bytes; returns the headers that they complete. */
  push(chunk: Uint8Array): FrameHead[] {
    const heads: FrameHead[] = []
    for (let at = 0; at < chunk.byteLength; ) {
      const skipped = Math.min(this.#payload, chunk.byteLength - at)
      this.#payload -= skipped
      at += skipped
      const byte = chunk[at]
      if (byte === undefined) break
      this.#head[this.#filled++] = byte
      at += 1
      const head = this.#complete()
      if (head === undefined) continue
      heads.push(head)
      this.#filled = 0
      this.#payload = head.length
    }
    return heads
  }

  // RFC 6455, 5.2
  #complete(): FrameHead | undefined {
    const head = this.#head
    if (this.#filled < 2) return undefined
    const short = (head[1] ?? 0) & 0x7f
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0
    const maskBytes = (head[1] ?? 0) & 0x80 ? 4 : 0
    if (this.#filled < 2 + lengthBytes + maskBytes) return undefined
    const length =
      lengthBytes === 8 ? Number(head.readBigUInt64BE(2)) : lengthBytes === 2 ? head.readUInt16BE(2) : short
    return { opcode: (head[0] ?? 0) & 0x0f, length }
  }
}
