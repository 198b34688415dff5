import type { ChunkEvent, StreamSummary } from '../../core/session/events.js'
import { StreamBeginning } from '../../core/session/streaming/stream-beginning.js'
import type { InvocationRecord } from '../../recorder/record.js'

/** The streams that have not ended: records have theirs at the end. */
export class Streams {
  readonly #open = new WeakMap<InvocationRecord, StreamBeginning>()

  add(record: InvocationRecord, { body, atMs, contentType }: ChunkEvent): void {
    // What is written after the deadline, say, reaches nobody.
    if (record.timing.endedMs !== undefined) return
    const stream = this.#open.get(record) ?? new StreamBeginning(contentType)
    this.#open.set(record, stream)
    stream.add(body, atMs)
  }

  end(record: InvocationRecord): void {
    this.#open.delete(record)
  }

  /** How the response was streamed, so far where it goes on; undefined where it was not. */
  of(record: InvocationRecord): StreamSummary | undefined {
    return record.stream ?? this.#open.get(record)?.summary
  }

  /** The first bytes of a stream that goes on. */
  bodyOf(record: InvocationRecord): Uint8Array | undefined {
    return this.#open.get(record)?.body
  }
}
