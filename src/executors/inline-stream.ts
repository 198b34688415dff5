import { HandlerError } from '../core/base/errors.js'
import { ByteStream } from '../core/streams/byte-stream.js'
import { toSafeError } from './entry/reported-errors.js'
import type { Failed, ResponseSink } from './entry/streaming/response-stream.js'
import { type Job, readerLeft } from './pool/job.js'

/** Bytes of a streamed response that are read ahead of the reader. */
const READ_AHEAD_BYTES = 64 * 1024

/** A streamed response of a handler in this process, on its way to the caller. */
export class InlineStream implements ResponseSink {
  readonly #job: Job
  readonly #body = new ByteStream(READ_AHEAD_BYTES)
  #taken: (() => void) | undefined

  constructor(job: Job) {
    this.#job = job
    this.#body.onRead(() => this.#goOn())
  }

  begin(contentType: string): void {
    const body = this.#body
    this.#job.begin({ contentType, body })
    void body.returned.then(() => this.#job.settle(readerLeft()))
  }

  write(chunk: Uint8Array, taken: () => void): void {
    this.#taken = taken
    // Copy the chunk: the code keeps its bytes.
    this.#body.push(new Uint8Array(chunk))
    this.#goOn()
  }

  end(failed?: Failed): void {
    if (failed) this.#body.fail(new HandlerError(toSafeError(failed.thrown)))
    else this.#body.end()
  }

  #goOn(): void {
    if (this.#body.full) return
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }
}
