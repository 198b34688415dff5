import type { Clock } from '../base/clock.js'
import { TetherError, toLambdaError } from '../base/errors.js'
import type { Answer } from '../contracts/executor.js'
import type { TransportLimits } from '../contracts/transport.js'
import { isDropped, isLarge, limitAdvice, notArrived, type Undelivered } from '../link/undelivered.js'
import type { SessionPayloads, StoredResponse } from '../payload/session-payloads.js'
import { packBody } from '../wire/compress.js'
import type { Counters } from '../wire/counters.js'
import type { LeavingOptions, Sent } from '../wire/outgoing.js'
import type { MissingParts, Outbound, SessionMessage } from '../wire/protocol.js'

/** A message to a stub, without the session's id and epoch. */
export type Reply<M = Outbound<SessionMessage>> = M extends unknown ? Omit<M, 'session' | 'epoch'> : never

/** The last message for a stub: the outcome, or that nothing was run. */
export type FinalAnswer = Answer | { readonly kind: 'decline'; readonly reason: string }

export interface KeptAnswerOptions {
  readonly clock: Clock
  readonly counters: Counters
  readonly payloads: SessionPayloads
  /** The rate limit of one connection, which applies to a stub's connection as well. */
  readonly rate?: TransportLimits['rate']
  /**
   * Resolves when the transport has accepted the message, or to undefined if that failed: the stub will ask again.
   * Never rejects.
   */
  send(to: string, reply: Reply, options?: LeavingOptions): Promise<Sent | undefined>
  /** Sends a small message, unless an identical one is still waiting to leave. */
  say(to: string, reply: Reply): void
}

/** An outcome kept until the stub has it. */
export interface KeptOutcome {
  /** Its size in memory. Constant. */
  readonly bytes: number
  /** Answers a stub that asks. @returns when the answer has left; undefined if there is nothing to send */
  again(missing?: MissingParts): Promise<void> | undefined
  /** Drops the frames that have not left. */
  stop(): void
  /** Stops sending and frees everything. */
  drop(): void
  /** Drops it because all kept outcomes together exceed `maxBytes`. A stub that asks for it gets `RESULT_EVICTED`. */
  giveWay(maxBytes: number): void
}

/** How long a stub may ask in vain for an answer that has left, before the answer counts as dropped by the broker. */
const DROPPED_AFTER_MS = 3_000
/** How long an answer may wait to leave before a stub that asks gets an `ack`. */
const SENDING_MS = 1_000

/** The answer of one invocation, kept until its stub has it: in memory or, if large, in the payload store. */
export class KeptAnswer implements KeptOutcome {
  /** 0 if it is in the store. */
  readonly bytes: number
  readonly #options: KeptAnswerOptions
  readonly #to: string
  readonly #id: string
  /** Undefined while the answer is in the store. */
  #reply: Reply | undefined
  readonly #stored: StoredResponse | undefined
  /** The frames of an answer that takes several, so that lost ones can be sent again. */
  #sent: Sent | undefined
  /** When sending began; set while it lasts, so that a repeated ask does not resend the answer. */
  #sendingAt: number | undefined
  #stopped: AbortController | undefined
  /** Set while the stub asks for an answer that has left. */
  #undelivered: Undelivered | undefined

  constructor(options: KeptAnswerOptions, to: string, id: string, ending: FinalAnswer) {
    this.#options = options
    this.#to = to
    this.#id = id
    if (ending.kind === 'value') {
      const body = packBody(ending.body)
      this.#stored = options.payloads.putResponse(body)
      if (this.#stored === undefined) this.#reply = { type: 'result', id, body }
      this.bytes = this.#stored === undefined ? body.bytes.length : 0
    } else {
      const { kind: type, ...content } = ending
      this.#reply = { type, id, ...content } as Reply
      this.bytes = Buffer.byteLength(JSON.stringify(content))
    }
  }

  /** Sends the answer, or only these parts of it. Resolves when the transport has taken them; never rejects. */
  async send(parts?: readonly number[]): Promise<void> {
    const { clock, payloads } = this.#options
    this.#sendingAt = clock.now()
    // A single frame leaves at once, so it cannot be stopped.
    this.#stopped = this.bytes > payloads.inlineBytes ? new AbortController() : undefined
    const options = this.#stopped && { signal: this.#stopped.signal }
    if (parts !== undefined) {
      await this.#sent?.resend(parts, options).catch(() => {})
    } else {
      const reply = this.#reply ?? (await this.#byReference())
      const sent = await this.#options.send(this.#to, reply, options)
      if (sent !== undefined && sent.count > 1 && reply === this.#reply) this.#sent = sent
    }
    this.#sendingAt = undefined
  }

  again(missing?: MissingParts): Promise<void> | undefined {
    const { clock, counters, say } = this.#options
    if (this.#sendingAt !== undefined) {
      const sendingMs = Math.abs(clock.now() - this.#sendingAt)
      // The answer is queued by the pacer; an ack now would only delay other frames.
      if (sendingMs >= SENDING_MS) say(this.#to, { type: 'ack', id: this.#id })
      return undefined
    }
    const now = clock.now()
    const parts = missing?.sent === this.#sent?.reference ? missing?.parts : undefined
    this.#undelivered = notArrived(this.#undelivered, parts?.length, now)
    if (isDropped(this.#undelivered, this.#frameBytes, DROPPED_AFTER_MS, now)) this.#dropsForSize()
    // Tells the stub that the session is there, whether or not the large answer gets through.
    else if (isLarge(this.#frameBytes)) say(this.#to, { type: 'ack', id: this.#id })
    if (parts === undefined) counters.answersResent++
    return this.send(this.#sent && parts)
  }

  /** The size of its largest frame, as far as is known. */
  get #frameBytes(): number {
    return Math.min(this.bytes, this.#options.payloads.inlineBytes)
  }

  /** Called when the broker drops the answer because of its size. A stub that asks for it gets `TOO_LARGE`. */
  #dropsForSize(): void {
    this.drop()
    const id = this.#id
    const text = `Invocation ${id} has run, and its answer does not arrive. ${limitAdvice(this.#frameBytes, 'the stub')}`
    const error = new TetherError('TOO_LARGE', text, { details: { bytes: this.#frameBytes } })
    this.#reply = { type: 'error', id, error: toLambdaError(error) }
    this.#sent = undefined
    this.#undelivered = undefined
  }

  stop(): void {
    this.#stopped?.abort()
  }

  drop(): void {
    this.stop()
    this.#stored?.drop()
  }

  giveWay(maxBytes: number): void {
    this.drop()
    this.#reply = evicted(this.#id, maxBytes)
    this.#sent = undefined
  }

  async #byReference(): Promise<Reply> {
    const id = this.#id
    try {
      return { type: 'result', id, stored: await this.#stored!.reference() }
    } catch (error) {
      this.#options.payloads.failed(error as TetherError)
      // A stub that asks again gets the same error.
      this.#reply = { type: 'error', id, error: toLambdaError(error) }
      return this.#reply
    }
  }
}

/** The reply to a stub that asks for an evicted outcome. */
export function evicted(id: string, maxBytes: number): Reply {
  const why = `more than ${maxBytes} bytes of answers waited for their stubs`
  const errorMessage = `Invocation ${id} has run, but its answer was dropped: ${why}. Raise 'maxKeptBytes'.`
  return { type: 'error', id, error: { errorType: 'LambdaTether.RESULT_EVICTED', errorMessage, trace: [] } }
}
