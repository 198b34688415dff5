import { setMaxListeners } from 'node:events'
import type { Cancel } from '../../base/clock.js'
import type { LambdaError } from '../../base/errors.js'
import { nextTick, queueMicrotask } from '../../base/timers.js'
import { Pacer } from '../../link/pacer.js'
import type { MissingParts } from '../../wire/protocol.js'
import { evicted, type KeptAnswerOptions, type KeptOutcome, type Reply } from '../kept-answer.js'
import { Gathered } from './gathered.js'
import { type Credit, StreamWindow } from './stream-window.js'

/**
 * The minimum interval between chunks, so that small writes share a frame. The first bytes after a pause leave at once.
 */
const GATHER_MS = 5
/** The limit on chunks being sent. Bytes that arrive meanwhile are gathered. */
const AT_ONCE = 4
/** The largest chunk: several fit a window. */
const MAX_CHUNK_BYTES = 64 * 1024
/** The rest of a chunk's frame: header, section table and head. */
const CHUNK_OVERHEAD_BYTES = 600

/**
 * A stream on its way to a stub: gathers the written bytes into chunks, and keeps each until the stub's reader has it.
 */
export class KeptStream implements KeptOutcome {
  /** Whether the stub has reported the whole stream as received. */
  settled = false
  readonly #options: KeptAnswerOptions
  readonly #to: string
  readonly #id: string
  readonly #contentType: string | undefined
  readonly #chunkBytes: number
  /** The stub's connection has limits as well, and a session with several connections could exceed them. */
  readonly #pacer: Pacer
  readonly #gathered = new Gathered()
  readonly #window = new StreamWindow()
  readonly #stopped = new AbortController()
  #leaving = 0
  /** Whether the gathered bytes may leave, even if few. */
  #due = false
  #cancelGathering: Cancel | undefined
  #leftAt = Number.NEGATIVE_INFINITY
  #ending: { readonly error: LambdaError | undefined } | undefined
  #endSent = false
  /** Whether the end is leaving, for the first time or again. */
  #endLeaving = false
  /** Replaces the stream after eviction. */
  #gone: Reply | undefined
  #bytes: number | undefined
  #onProgress: (() => void)[] = []

  constructor(options: KeptAnswerOptions, to: string, id: string, contentType: string | undefined) {
    const { clock, rate, payloads } = options
    this.#options = options
    this.#to = to
    this.#id = id
    this.#contentType = contentType
    this.#chunkBytes = Math.min(MAX_CHUNK_BYTES, Math.max(256, payloads.inlineBytes - CHUNK_OVERHEAD_BYTES))
    this.#pacer = new Pacer(clock, rate)
    // Every frame under way adds listeners in more than one place: keep Node from warning of a leak.
    setMaxListeners(0, this.#stopped.signal)
  }

  /** Its size in memory when first read. It is first read after the last write. */
  get bytes(): number {
    this.#bytes ??= this.#window.bytes
    return this.#bytes
  }

  /**
   * Takes bytes, which belong to the stream from now on. Resolves when more may be written: the back-pressure. Never
   * rejects.
   */
  async write(piece: Uint8Array): Promise<void> {
    if (piece.length === 0 || this.#stopped.signal.aborted) return
    this.#gathered.push(piece)
    this.#gather()
    this.#pump()
    await this.#until(() => this.#gathered.bytes < this.#chunkBytes)
  }

  /** Ends the writing. Resolves when everything has left for the first time. Never rejects. */
  async end(error?: LambdaError): Promise<void> {
    this.#ending = { error }
    this.#due = true
    this.#pump()
    await this.#until(() => this.#endSent && this.#leaving === 0)
  }

  /** Extends the window, and resends the chunks that the stub asks for. @returns when they have left */
  credit({ through, missing = [], from }: Credit): Promise<void> | undefined {
    if (this.#gone !== undefined) return this.#say(this.#gone)
    this.#window.credit(through)
    const again = this.#window.wanted(missing, from)
    for (const seq of again) void this.#send(seq)
    if (
      this.#endSent &&
      (missing.includes(this.#window.next) || (from ?? Number.POSITIVE_INFINITY) <= this.#window.next)
    )
      void this.#sendEnd()
    // The stub is asking whether this session is there.
    else if (from !== undefined && again.length === 0) this.#say({ type: 'ack', id: this.#id })
    this.#pump()
    return this.#until(() => this.#leaving === 0)
  }

  /** A stub that asks for the outcome has no part of the stream yet. */
  again(_missing?: MissingParts): Promise<void> | undefined {
    return this.credit({ through: 0, from: 0 })
  }

  stop(): void {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort()
    this.#stopGathering()
    this.#pacer.close()
    this.#progress()
  }

  drop(): void {
    this.stop()
    this.#gathered.clear()
    this.#window.clear()
  }

  giveWay(maxBytes: number): void {
    this.drop()
    this.#gone = evicted(this.#id, maxBytes)
  }

  /** Lets the gathered bytes leave soon, together with everything written in the same turn. */
  #gather(): void {
    if (this.#due || this.#cancelGathering !== undefined) return
    const { clock } = this.#options
    const due = () => {
      this.#cancelGathering = undefined
      this.#due = true
      this.#pump()
    }
    const passedMs = clock.now() - this.#leftAt
    if (passedMs >= 0 && passedMs < GATHER_MS) {
      this.#cancelGathering = clock.schedule(GATHER_MS - passedMs, due)
      return
    }
    let canceled = false
    this.#cancelGathering = () => {
      canceled = true
    }
    // A tick requested by a microtask runs after all others: by then everything that was ready has been written.
    queueMicrotask(() => nextTick(() => canceled || due()))
  }

  #stopGathering(): void {
    this.#cancelGathering?.()
    this.#cancelGathering = undefined
  }

  #pump(): void {
    while (!this.#stopped.signal.aborted && this.#leaving < AT_ONCE) {
      const bytes = Math.min(this.#gathered.bytes, this.#chunkBytes)
      if (bytes === 0 || (bytes < this.#chunkBytes && !this.#due) || !this.#window.takes(bytes)) break
      const seq = this.#window.add(this.#gathered.take(bytes))
      if (this.#gathered.bytes === 0) {
        this.#stopGathering()
        this.#due = this.#ending !== undefined
      }
      this.#leftAt = this.#options.clock.now()
      void this.#send(seq)
    }
    if (this.#ending !== undefined && this.#gathered.bytes === 0 && !this.#endSent) {
      this.#endSent = true
      void this.#sendEnd()
    }
    this.#progress()
  }

  /** Sends a chunk, for the first time or again. */
  async #send(seq: number): Promise<void> {
    const chunk = this.#window.chunk(seq)!
    const { data } = chunk
    chunk.leaving = true
    const options = { signal: this.#stopped.signal, bulk: data.length >= this.#chunkBytes }
    await this.#leave(data.length, async () => {
      if (chunk.sent !== undefined) return chunk.sent.resend([0], options).catch(() => {})
      const { counters, send } = this.#options
      const head = { type: 'chunk' as const, id: this.#id, seq }
      const reply: Reply = { ...head, ...this.#typed(seq), data }
      chunk.sent = await send(this.#to, reply, options)
      if (chunk.sent === undefined) return
      counters.bodyBytesSent += data.length
      counters.compressedBytesSent += data.length
    })
    chunk.leaving = false
  }

  async #sendEnd(): Promise<void> {
    if (this.#endLeaving) return
    this.#endLeaving = true
    const { next: seq } = this.#window
    const error = this.#ending?.error
    const reply: Reply = { type: 'end', id: this.#id, seq, ...this.#typed(seq), ...(error && { error }) }
    await this.#leave(0, () => this.#options.send(this.#to, reply, { signal: this.#stopped.signal }))
    this.#endLeaving = false
  }

  /** Sends within the rate limit of the stub's connection. */
  async #leave(bytes: number, send: () => Promise<unknown>): Promise<void> {
    this.#leaving++
    try {
      await this.#pacer.take(bytes + CHUNK_OVERHEAD_BYTES)
      await send()
    } catch {
      // The stream was stopped. The stub asks again for chunks that were not sent.
    }
    this.#leaving--
    this.#pump()
  }

  #typed(seq: number): { readonly contentType?: string } {
    return seq === 0 && this.#contentType !== undefined ? { contentType: this.#contentType } : {}
  }

  #say(reply: Reply): undefined {
    this.#options.say(this.#to, reply)
  }

  /** Resolves when a condition holds or the stream was stopped. */
  async #until(holds: () => boolean): Promise<void> {
    while (!this.#stopped.signal.aborted && !holds())
      await new Promise<void>((resolve) => void this.#onProgress.push(resolve))
  }

  #progress(): void {
    for (const resolve of this.#onProgress.splice(0)) resolve()
  }
}
