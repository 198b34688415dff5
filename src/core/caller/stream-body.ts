import { type TetherError, toThrown } from '../base/errors.js'
import { ByteStream } from '../streams/byte-stream.js'
import {
  type ChunkMessage,
  type EndMessage,
  type ErrorMessage,
  MAX_STREAM_WINDOW_BYTES,
  MAX_STREAM_WINDOW_CHUNKS,
} from '../wire/protocol.js'

/** Messages of a session about a stream, or an error instead of it. */
export type StreamMessage = ChunkMessage | EndMessage | ErrorMessage

/** Callbacks of a stream. */
export interface StreamEvents {
  /** The reader has taken enough for the session to be told. */
  onTaken(): void
  /** The reader has stopped reading. */
  onReturned(): void
}

/** The stub's report to the session about a stream. */
export interface StreamCredit {
  readonly through: number
  readonly missing: readonly number[] | undefined
  readonly from: number | undefined
}

/**
 * The session is told each time the reader has taken that many bytes or chunks: often enough for the smallest window.
 */
const CREDIT_BYTES = 64 * 1024
const CREDIT_CHUNKS = MAX_STREAM_WINDOW_CHUNKS / 4
/** The most chunks asked for at once. */
const MAX_MISSING = 1_000

/** Puts the bytes of a stream in order, for one reader. Holds at most the window of a stream. */
export class StreamBody {
  /** The bytes received so far, in order, and the end. */
  readonly bytes = new ByteStream(MAX_STREAM_WINDOW_BYTES)
  /** The response's content type, once it has begun. */
  contentType: string | undefined
  readonly #events: StreamEvents
  /** The number of the first missing chunk. */
  #next = 0
  /** Chunks that arrived before an earlier one. */
  readonly #ahead = new Map<number, Uint8Array>()
  #heldBytes = 0
  #heldChunks = 0
  #through = 0
  #credited = 0
  /** Chunks taken since the last report to the session. */
  #chunksTaken = 0
  /** The total number of chunks, once known. */
  #count: number | undefined
  #failure: { readonly thrown: unknown } | undefined

  constructor(events: StreamEvents) {
    this.#events = events
    this.bytes.onRead((bytes) => this.#taken(bytes))
    void this.bytes.returned.then(() => events.onReturned())
  }

  /** Whether its first bytes or its end have arrived. */
  get begun(): boolean {
    return this.#next > 0 || this.complete
  }

  /** Whether a chunk is missing although a later one, or the end, has arrived. */
  get hasGap(): boolean {
    return !this.complete && (this.#ahead.size > 0 || this.#count !== undefined)
  }

  /** Whether everything has arrived, including the end. */
  get complete(): boolean {
    return this.bytes.over
  }

  /** Handles a message of the session, in any order, repeats included. */
  take(message: StreamMessage): void {
    if (this.complete) return
    if (message.type === 'error') return this.#end({ thrown: toThrown(message.error) })
    if (message.type === 'chunk') this.#takeChunk(message)
    else this.#takeEnd(message)
    this.#advance()
  }

  /** Ends it with an error, after the bytes that are in order. */
  fail(error: TetherError): void {
    this.#end({ thrown: error })
  }

  /** The report for the session. @param asks also asks for everything that may have left after the last known chunk */
  credit(asks: boolean): StreamCredit {
    this.#credited = this.#through
    this.#chunksTaken = 0
    const missing = this.#missing()
    return {
      through: this.#through,
      missing: missing.length > 0 ? missing : undefined,
      from: asks ? this.#next : undefined,
    }
  }

  #takeChunk({ seq, data, contentType }: ChunkMessage): void {
    if (seq < this.#next || this.#ahead.has(seq)) return
    // Beyond the window that a session may use: a faulty session must not fill the memory.
    const { length } = data
    if (this.#heldBytes + length > MAX_STREAM_WINDOW_BYTES || this.#heldChunks >= MAX_STREAM_WINDOW_CHUNKS)
      return
    this.#ahead.set(seq, data)
    this.#heldBytes += length
    this.#heldChunks++
    if (seq === 0) this.contentType = contentType
  }

  #takeEnd({ seq, contentType, error }: EndMessage): void {
    this.#count = seq
    if (seq === 0) this.contentType = contentType
    if (error !== undefined) this.#failure = { thrown: toThrown(error) }
  }

  /** Passes chunks that are next in order to the reader. */
  #advance(): void {
    for (let data = this.#ahead.get(this.#next); data !== undefined; data = this.#ahead.get(this.#next)) {
      this.#ahead.delete(this.#next++)
      this.bytes.push(data)
      // An empty chunk is never read.
      if (data.length === 0) this.#heldChunks--
    }
    if (this.#next === this.#count) this.#end(this.#failure)
  }

  #end(failure: { readonly thrown: unknown } | undefined): void {
    this.#ahead.clear()
    if (failure === undefined) this.bytes.end()
    else this.bytes.fail(failure.thrown)
  }

  #taken(bytes: number): void {
    this.#heldBytes -= bytes
    this.#heldChunks--
    this.#through += bytes
    this.#chunksTaken++
    if (this.complete) return
    if (this.#through - this.#credited >= CREDIT_BYTES || this.#chunksTaken >= CREDIT_CHUNKS)
      this.#events.onTaken()
  }

  /** Numbers of overtaken chunks; the end counts as the last. */
  #missing(): number[] {
    const last = this.#count ?? Math.max(-1, ...this.#ahead.keys())
    const missing: number[] = []
    for (let seq = this.#next; seq < last && missing.length < MAX_MISSING; seq++) {
      if (!this.#ahead.has(seq)) missing.push(seq)
    }
    return missing
  }
}
