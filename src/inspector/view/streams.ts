import type { ChunkEvent, StreamSummary } from '../../core/session/events.js'
import { StreamBeginning } from '../../core/session/streaming/stream-beginning.js'
import type { InvocationRecord } from '../../recorder/record.js'

/** The streams that have not ended; at the end, the record has its stream. */
export class Streams {
  readonly #open = new WeakMap<InvocationRecord, StreamBeginning>()

  add(record: InvocationRecord, { body, atMs, contentType }: ChunkEvent): void {
    // Chunks written after the end, for example after the deadline, are not sent.
    if (record.timing.endedMs !== undefined) return
    const stream = this.#open.get(record) ?? new StreamBeginning(contentType)
    this.#open.set(record, stream)
    stream.add(body, atMs)
  }

  end(record: InvocationRecord): void {
    this.#open.delete(record)
  }

  /** Returns how the response was streamed, up to now if it goes on; undefined if it was not. */
  of(record: InvocationRecord): StreamSummary | undefined {
    return record.stream ?? this.#open.get(record)?.summary
  }

  /** Returns the first bytes of an open stream. */
  bodyOf(record: InvocationRecord): Uint8Array | undefined {
    return this.#open.get(record)?.body
  }
}
