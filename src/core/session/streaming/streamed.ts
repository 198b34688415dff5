import { defined } from '../../base/defined.js'
import type { StreamedResponse } from '../../contracts/executor.js'
import type { SessionEmitter } from '../emitter.js'
import type { StreamSummary } from '../events.js'
import type { Invocation } from '../invocation.js'
import { StreamBeginning } from './stream-beginning.js'

/** A streamed response as seen by the session's listeners. */
export class Streamed {
  readonly #emitter: SessionEmitter
  readonly #invocation: Invocation
  readonly #response: StreamedResponse
  readonly #beginning: StreamBeginning
  #pieces = 0

  constructor(emitter: SessionEmitter, invocation: Invocation, response: StreamedResponse) {
    this.#emitter = emitter
    this.#invocation = invocation
    this.#response = response
    this.#beginning = new StreamBeginning(response.contentType)
  }

  get summary(): StreamSummary {
    return this.#beginning.summary
  }

  /** Its first bytes. */
  get body(): Uint8Array {
    return this.#beginning.body
  }

  /** The response, reporting each chunk to the session's listeners. */
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
    const { contentType } = this.#response
    this.#beginning.add(body, atMs)
    const chunk = { body, index: this.#pieces++, atMs, ...defined({ contentType }) }
    this.#emitter.emit('chunk', this.#invocation, chunk)
  }
}
