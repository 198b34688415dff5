import { type Deferred, deferred } from '../base/deferred.js'

/** How a stream ended: normally, or with an error. */
type Ending = { readonly error?: unknown; readonly failed?: boolean }

/**
 * Bytes on their way from one writer to one reader, held until they are read. Does not limit its size by itself: the
 * writer checks {@link full} and waits for {@link onRead}.
 */
export class ByteStream implements AsyncIterableIterator<Uint8Array> {
  readonly #highWaterMark: number
  readonly #returned = deferred()
  readonly #ended = deferred()
  readonly #chunks: Uint8Array[] = []
  #bytes = 0
  #ending: Ending | undefined
  #onRead: (bytes: number) => void = () => {}
  #waiting: Deferred<void> | undefined

  /** @param highWaterMark with this many unread bytes, the stream is full */
  constructor(highWaterMark: number) {
    this.#highWaterMark = highWaterMark
  }

  /** Whether the writer should wait. A stream without a reader never fills. */
  get full(): boolean {
    return this.#bytes >= this.#highWaterMark
  }

  /** Whether it accepts no more bytes: it has ended or failed, or its reader has left. */
  get over(): boolean {
    return this.#ending !== undefined
  }

  /** Resolves when the stream is over. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Resolves when the reader leaves before the end. */
  get returned(): Promise<void> {
    return this.#returned.promise
  }

  /** @param listener called with the number of bytes read or dropped */
  onRead(listener: (bytes: number) => void): void {
    this.#onRead = listener
  }

  /** Adds bytes, which the stream keeps. Drops bytes after the end. */
  push(chunk: Uint8Array): void {
    if (this.over) return this.#onRead(chunk.length)
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    this.#wake()
  }

  /** Ends the stream. */
  end(): void {
    this.#finish({})
  }

  /** Ends the stream with an error, which may be any value thrown by local code, after the bytes already added. */
  fail(error: unknown): void {
    this.#finish({ error, failed: true })
  }

  /** Drops unread bytes; the reader gets this error next. */
  destroy(error: Error): void {
    if (this.over) return
    this.#finish({ error, failed: true })
    this.#drop()
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#bytes -= chunk.length
        this.#onRead(chunk.length)
        return { done: false, value: chunk }
      }
      if (this.#ending !== undefined) {
        const { error, failed } = this.#ending
        // An error is thrown once, as by a generator.
        this.#ending = {}
        if (failed) throw error
        return { done: true, value: undefined }
      }
      this.#waiting ??= deferred()
      await this.#waiting.promise
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.over) this.#returned.resolve()
    this.#finish({})
    this.#drop()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #finish(ending: Ending): void {
    if (this.over) return
    this.#ending = ending
    this.#ended.resolve()
    this.#wake()
  }

  #drop(): void {
    this.#chunks.length = 0
    const dropped = this.#bytes
    this.#bytes = 0
    if (dropped > 0) this.#onRead(dropped)
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve()
  }
}
