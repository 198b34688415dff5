import { defined } from '../../base/defined.js'
import type { StreamedChunk, StreamSummary } from '../events.js'

const MAX_BODY_BYTES = 1024 * 1024
const MAX_CHUNKS = 10_000

/** The part of a stream kept for listeners: its first bytes, and the time of each chunk. */
export class StreamBeginning {
  readonly #contentType: string | undefined
  readonly #chunks: StreamedChunk[] = []
  readonly #beginning: Uint8Array[] = []
  #bytes = 0

  constructor(contentType: string | undefined) {
    this.#contentType = contentType
  }

  add(body: Uint8Array, atMs: number): void {
    const left = MAX_BODY_BYTES - this.#bytes
    if (left > 0) this.#beginning.push(body.subarray(0, left))
    if (this.#chunks.length < MAX_CHUNKS) this.#chunks.push({ bytes: body.length, atMs })
    this.#bytes += body.length
  }

  get summary(): StreamSummary {
    return { ...defined({ contentType: this.#contentType }), bytes: this.#bytes, chunks: this.#chunks }
  }

  /** Its first bytes. */
  get body(): Uint8Array {
    return Buffer.concat(this.#beginning)
  }
}
