import { defined } from '../../base/defined.js'
import type { StreamedResponse } from '../../contracts/executor.js'
import type { SessionEmitter } from '../emitter.js'
import type { StreamedChunk, StreamSummary } from '../events.js'
import type { Invocation } from '../invocation.js'

/** What of a stream is kept for the session's listeners: its beginning. */
const MAX_BODY_BYTES = 1024 * 1024
const MAX_CHUNKS = 10_000

/** A response that is being streamed, as the session's listeners see it. */
export class Streamed {
  readonly #emitter: SessionEmitter
  readonly #invocation: Invocation
  readonly #response: StreamedResponse
  readonly #chunks: StreamedChunk[] = []
  readonly #beginning: Uint8Array[] = []
  #bytes = 0
  #pieces = 0

  constructor(emitter: SessionEmitter, invocation: Invocation, response: StreamedResponse) {
    this.#emitter = emitter
    this.#invocation = invocation
    this.#response = response
  }

  get summary(): StreamSummary {
    const { contentType } = this.#response
    return { ...defined({ contentType }), bytes: this.#bytes, chunks: this.#chunks }
  }

  /** Its first bytes. */
  get body(): Uint8Array {
    return Buffer.concat(this.#beginning)
  }

  /** The response, whose chunks are told to the session's listeners as they come. */
  observed(): StreamedResponse {
    return { ...this.#response, body: this.#observe() }
  }

  async *#observe(): AsyncIterable<Uint8Array> {
    for await (const body of this.#response.body) {
      if (body.length === 0) continue
      this.#note(body)
      yield body
    }
  }

  #note(body: Uint8Array): void {
    const { atMs } = this.#emitter.at()
    const left = MAX_BODY_BYTES - this.#bytes
    if (left > 0) this.#beginning.push(body.subarray(0, left))
    if (this.#chunks.length < MAX_CHUNKS) this.#chunks.push({ bytes: body.length, atMs })
    this.#bytes += body.length
    this.#emitter.emit('chunk', this.#invocation, { body, index: this.#pieces++, atMs })
  }
}
