import type { Sent } from '../../wire/outgoing.js'
import {
  MAX_STREAM_WINDOW_BYTES,
  MAX_STREAM_WINDOW_CHUNKS,
  type StreamCreditMessage,
} from '../../wire/protocol.js'

/** A stub's report on a stream. */
export type Credit = Pick<StreamCreditMessage, 'through' | 'missing' | 'from'>

/** A chunk that the stub's reader has not taken yet. */
interface Chunk {
  readonly data: Uint8Array
  /** The offset of its end in the stream, in bytes. */
  readonly endsAt: number
  /** Its frame, once it has left. */
  sent: Sent | undefined
  /** Whether it is being sent, for the first time or again. */
  leaving: boolean
}

/** The limit on bytes under way at first. It grows for a reader that keeps up. */
const FIRST_WINDOW_BYTES = 256 * 1024

/** The chunks under way, by number; their total is limited by the stub's credit. */
export class StreamWindow {
  readonly #chunks = new Map<number, Chunk>()
  #next = 0
  #written = 0
  #through = 0
  #mostBytes = FIRST_WINDOW_BYTES
  /** Whether bytes have waited for credit since the last credit. */
  #waited = false

  /** The number of the next chunk. */
  get next(): number {
    return this.#next
  }

  /** Its size in memory. */
  get bytes(): number {
    return [...this.#chunks.values()].reduce((sum, { data }) => sum + data.length, 0)
  }

  chunk(seq: number): Chunk | undefined {
    return this.#chunks.get(seq)
  }

  /** Whether a chunk of this size may be added. */
  takes(bytes: number): boolean {
    if (this.#chunks.size >= MAX_STREAM_WINDOW_CHUNKS) return false
    const does = this.#written - this.#through + bytes <= this.#mostBytes
    this.#waited ||= !does
    return does
  }

  /** @returns the chunk's number */
  add(data: Uint8Array): number {
    this.#written += data.length
    this.#chunks.set(this.#next, { data, endsAt: this.#written, sent: undefined, leaving: false })
    return this.#next++
  }

  /** @param through total bytes that the reader has taken; a lower value arrived late */
  credit(through: number): void {
    if (through <= this.#through || through > this.#written) return
    this.#through = through
    for (const [seq, { endsAt }] of this.#chunks) {
      if (endsAt > through) break
      this.#chunks.delete(seq)
    }
    if (this.#waited) this.#mostBytes = Math.min(2 * this.#mostBytes, MAX_STREAM_WINDOW_BYTES)
    this.#waited = false
  }

  /** The numbers of the chunks that a stub asks for, without those being sent already. */
  wanted(missing: readonly number[], from = Number.POSITIVE_INFINITY): number[] {
    const asked = new Set(missing)
    return [...this.#chunks]
      .filter(([seq, { leaving }]) => !leaving && (seq >= from || asked.has(seq)))
      .map(([seq]) => seq)
  }

  clear(): void {
    this.#chunks.clear()
  }
}
