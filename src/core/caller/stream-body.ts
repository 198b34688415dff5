import { type TetherError, toThrown } from '../base/errors.js'
import { ByteStream } from '../streams/byte-stream.js'
import {
  type ChunkMessage,
  type EndMessage,
  type ErrorMessage,
  MAX_STREAM_WINDOW_BYTES,
  MAX_STREAM_WINDOW_CHUNKS,
} from '../wire/protocol.js'

/** What a session sends of a stream, or in its place. */
export type StreamMessage = ChunkMessage | EndMessage | ErrorMessage

/** Told by a stream what becomes of it. */
export interface StreamEvents {
  /** The reader has taken so much that the session should know. */
  onTaken(): void
  /** The reader wants no more. */
  onReturned(): void
}

/** What is said to the session about a stream. */
export interface StreamCredit {
  readonly through: number
  readonly missing: readonly number[] | undefined
  readonly from: number | undefined
}

/** The session is told each time that its reader has taken so many bytes, or chunks: often enough for the smallest window. */
const CREDIT_BYTES = 64 * 1024
const CREDIT_CHUNKS = MAX_STREAM_WINDOW_CHUNKS / 4
/** The most chunks asked for at once. */
const MAX_MISSING = 1_000

/** Puts the bytes of a stream in their order, for one reader. Holds no more than the window of a stream. */
export class StreamBody {
  /** What has arrived, in order, and how it ends. */
  readonly bytes = new ByteStream(MAX_STREAM_WINDOW_BYTES)
  /** Of the response, once it has begun. */
  contentType: string | undefined
  readonly #events: StreamEvents
  /** The number of the first chunk that has not arrived. */
  #next = 0
  /** Chunks that arrived before an earlier one. */
  readonly #ahead = new Map<number, Uint8Array>()
  #heldBytes = 0
  #heldChunks = 0
  #through = 0
  #credited = 0
  /** Chunks that were taken since the session was told. */
  #chunksTaken = 0
  /** How many chunks there are, once that is known. */
  #count: number | undefined
  #failure: { readonly thrown: unknown } | undefined

  constructor(events: StreamEvents) {
    this.#events = events
    this.bytes.onRead((bytes) => this.#taken(bytes))
    void this.bytes.returned.then(() => events.onReturned())
  }

  /** Whether its first bytes are here, or its end. */
  get begun(): boolean {
    return this.#next > 0 || this.complete
  }

  /** Whether something is missing that has left the session. */
  get hasGap(): boolean {
    return !this.complete && (this.#ahead.size > 0 || this.#count !== undefined)
  }

  /** Whether everything has arrived, its end included. */
  get complete(): boolean {
    return this.bytes.over
  }

  /** Takes a message of the session; any order, repeats included. */
  take(message: StreamMessage): void {
    if (this.complete) return
    if (message.type === 'error') return this.#end({ thrown: toThrown(message.error) })
    if (message.type === 'chunk') this.#takeChunk(message)
    else this.#takeEnd(message)
    this.#advance()
  }

  /** Ends it with an error, after what is here in order. */
  fail(error: TetherError): void {
    this.#end({ thrown: error })
  }

  /** What the session is to know. @param asks whether to ask for what may have left after all that is known */
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
    // More than a session may send: a broken one is not to fill the memory.
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

  /** Moves what follows in order to the reader. */
  #advance(): void {
    for (let data = this.#ahead.get(this.#next); data !== undefined; data = this.#ahead.get(this.#next)) {
      this.#ahead.delete(this.#next++)
      this.bytes.push(data)
      // Nobody will read it.
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

  /** Numbers of chunks that were overtaken, the end being the last of all. */
  #missing(): number[] {
    const last = this.#count ?? Math.max(-1, ...this.#ahead.keys())
    const missing: number[] = []
    for (let seq = this.#next; seq < last && missing.length < MAX_MISSING; seq++) {
      if (!this.#ahead.has(seq)) missing.push(seq)
    }
    return missing
  }
}
