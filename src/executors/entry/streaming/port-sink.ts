import { STREAM_WINDOW_BYTES, type ThreadMessage } from '../../thread/messages.js'
import { toSafeError } from '../reported-errors.js'
import type { Failed, ResponseSink } from './response-stream.js'

/** Sends a streamed response from a thread to its host, at the pace of the reader. */
export class PortSink implements ResponseSink {
  readonly #sequence: number
  readonly #post: (message: ThreadMessage) => void
  /** Bytes sent but not read. */
  #unread = 0
  /** The rest of a write, which waits for the reader. */
  #waiting: { readonly chunk: Uint8Array; readonly taken: () => void } | undefined

  /** @param sequence the number of the invocation */
  constructor(sequence: number, post: (message: ThreadMessage) => void) {
    this.#sequence = sequence
    this.#post = post
  }

  begin(contentType: string): void {
    this.#post({ kind: 'stream', sequence: this.#sequence, contentType })
  }

  write(chunk: Uint8Array, taken: () => void): void {
    const room = Math.max(0, STREAM_WINDOW_BYTES - this.#unread)
    // Transfer a copy: the code keeps its bytes, which may be a view of a much larger buffer. The transfer empties the copy.
    const bytes = new Uint8Array(chunk.subarray(0, room))
    const { length } = bytes
    if (length > 0) this.#post({ kind: 'chunk', sequence: this.#sequence, bytes })
    this.#unread += length
    if (length === chunk.length) taken()
    else this.#waiting = { chunk: chunk.subarray(room), taken }
  }

  /** Notes that this many bytes have been read. */
  credit(bytes: number): void {
    this.#unread -= bytes
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) this.write(waiting.chunk, waiting.taken)
  }

  end(failed?: Failed): void {
    const error = failed && toSafeError(failed.thrown)
    this.#post({ kind: 'end', sequence: this.#sequence, ...(error && { error }) })
  }
}
