import type { Clock } from '../base/clock.js'
import { TetherError, toLambdaError } from '../base/errors.js'
import type { AbortOptions } from '../contracts/transport.js'
import type { SessionPayloads } from '../payload/session-payloads.js'
import { packBody } from '../wire/compress.js'
import type { Counters } from '../wire/counters.js'
import type { Sent } from '../wire/outgoing.js'
import type { MissingParts, Outbound, SessionMessage } from '../wire/protocol.js'
import type { SessionEmitter } from './events.js'
import type { Answer } from './invocation.js'
import type { Entry, Ledger } from './ledger.js'
import { limitAnswer } from './response-limit.js'

export interface OutcomesOptions {
  /** Who answers; its epoch may rise. */
  readonly identity: { readonly session: string; readonly epoch: number }
  readonly clock: Clock
  readonly maxKeptBytes: number
  readonly emitter: SessionEmitter
  readonly ledger: Ledger
  readonly payloads: SessionPayloads
  readonly counters: Counters
  send(to: string, message: Outbound<SessionMessage>, options: AbortOptions): Promise<Sent>
}

/** An answer that has not left by then is worth a word to who waits for it. */
const SENDING_MS = 1_000
const NOTHING = new Uint8Array()

/** A message without what every one of a session's carries. */
export type Reply<M = Outbound<SessionMessage>> = M extends unknown ? Omit<M, 'session' | 'epoch'> : never

/** How a session's invocations end, and what their stubs are told of it. */
export class Outcomes {
  readonly #options: OutcomesOptions
  /** What waits for its turn, by type and invocation. */
  readonly #replying = new Set<string>()
  #onIdle: (() => void) | undefined

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** Gives an invocation its one outcome; a second is reported as `discard`. Resolves when it was handed over. */
  async settle(entry: Entry, given: Answer): Promise<void> {
    const { emitter, clock, ledger, counters } = this.#options
    const { id, invocation, functionId, startedAt } = entry
    if (entry.state !== 'running' || invocation === undefined) {
      counters.discards.late++
      const message = `The outcome of invocation ${id} of '${functionId}' came after it had ended.`
      return emitter.emit('discard', { reason: 'late', message, from: entry.from })
    }
    entry.answered = true
    const answer = limitAnswer(given)
    const durationMs = clock.now() - startedAt
    if (answer.kind === 'value') {
      const { body } = answer
      this.#keep(entry, body)
      counters.answered++
      entry.trace?.finish()
      emitter.emit('respond', invocation, { bytes: body.length, durationMs })
    } else {
      const { error } = answer
      if (entry.mirrored) ledger.end(entry)
      else ledger.answer(entry, { type: 'error', id, error }, Buffer.byteLength(JSON.stringify(error)))
      counters.failed++
      entry.trace?.finish(error.errorType)
      emitter.emit('fail', invocation, { error, durationMs })
    }
    if (entry.mirrored) this.#checkIdle()
    else await this.#sendAnswer(entry)
  }

  /** Keeps a response until its stub has it. */
  #keep(entry: Entry, body: Uint8Array): void {
    const { ledger, payloads } = this.#options
    if (entry.mirrored) return ledger.end(entry)
    const packed = packBody(body)
    const put = payloads.putResponse(packed)
    entry.storing = put
    const answer = { type: 'result', id: entry.id, body: packed } as const
    ledger.answer(entry, answer, put === undefined ? packed.bytes.length : 0)
  }

  /** Ends an invocation that only listeners were told of. */
  dismiss(entry: Entry): void {
    this.#options.ledger.end(entry)
    this.#options.counters.declined++
    entry.trace?.finish()
    this.#checkIdle()
  }

  /** Tells a stub that asks, or that sends an invocation again, how things stand. */
  repeat(entry: Entry, missing?: MissingParts): void {
    const { id } = entry
    if (entry.mirrored) return
    // An answer that waits for its turn comes by itself, and a word in between would only hold up others.
    const sendingMs = entry.sending === undefined ? undefined : this.#options.clock.now() - entry.sendingAt
    if (sendingMs !== undefined && sendingMs < SENDING_MS) return
    if (entry.state === 'running' || sendingMs !== undefined)
      return this.reply(entry.from, { type: 'ack', id })
    if (entry.state === 'answered') {
      const parts = missing?.sent === entry.sent?.reference ? missing?.parts : undefined
      if (parts === undefined) this.#options.counters.answersResent++
      return void this.#sendAnswer(entry, parts)
    }
    if (entry.state === 'evicted') {
      const why = `more than ${this.#options.maxKeptBytes} bytes of answers waited for their stubs`
      const error = new TetherError(
        'RESULT_EVICTED',
        `Invocation ${id} has run, but its answer was dropped: ${why}. Raise 'maxKeptBytes'.`,
      )
      this.reply(entry.from, { type: 'error', id, error: toLambdaError(error) })
    }
  }

  /** Stops what runs because its stub no longer waits. */
  abort(entry: Entry, error: TetherError): void {
    const { invocation, startedAt } = entry
    if (entry.state !== 'running' || invocation === undefined) return
    const { emitter, clock, ledger, counters } = this.#options
    ledger.end(entry)
    counters.failed++
    entry.trace?.fail(error)
    entry.abort.abort(error)
    emitter.emit('fail', invocation, { error: toLambdaError(error), durationMs: clock.now() - startedAt })
    this.#checkIdle()
  }

  /** Stops everything because the session ends: a stub that still waits gets to know, if it takes no time. */
  stop(error: TetherError): void {
    for (const entry of this.#options.ledger.entries()) {
      entry.sending?.abort()
      if (entry.state !== 'running') continue
      void this.settle(entry, { kind: 'error', error: toLambdaError(error) })
      // By the session, not by local code: what comes of it now is late.
      entry.answered = false
      entry.abort.abort(error)
    }
  }

  /** Stops everything because another session has the name, and will be asked for what was not answered. */
  abandon(error: TetherError): void {
    for (const entry of this.#options.ledger.entries()) {
      entry.sending?.abort()
      this.abort(entry, error)
    }
  }

  /** Tells the stub that this session does not run the function; nothing was run. */
  decline(entry: Entry): void {
    const { id, functionId } = entry
    this.#options.ledger.end(entry)
    this.#options.ledger.remove(entry)
    this.#options.counters.declined++
    const error = new TetherError('DECLINED', `The session does not serve '${functionId}'.`)
    entry.trace?.fail(error)
    entry.abort.abort(error)
    if (!entry.mirrored)
      this.reply(entry.from, { type: 'decline', id, reason: `it does not serve function '${functionId}'` })
    this.#checkIdle()
  }

  /** Tells the stub that the invocation is being run. */
  async acknowledge(entry: Entry): Promise<void> {
    const { invocation } = entry
    if (entry.state !== 'running' || invocation === undefined) return
    entry.acked = true
    this.#options.emitter.emit('ack', invocation)
    if (!entry.mirrored) await this.#send(entry.from, { type: 'ack', id: entry.id })
  }

  /** Sends a small message, but not the same twice before it has left. */
  reply(to: string, message: Reply): void {
    const key = `${message.type} ${message.id}`
    if (this.#replying.has(key)) return
    this.#replying.add(key)
    void this.#send(to, message).then(() => this.#replying.delete(key))
  }

  /** Resolves when nothing runs and every answer has left. */
  async idle(): Promise<void> {
    if (this.#options.ledger.idle) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  /** Sends the answer, or only those parts of it that were lost. */
  async #sendAnswer(entry: Entry, parts?: readonly number[]): Promise<void> {
    if (entry.answer === undefined || entry.sending) return
    const sending = new AbortController()
    entry.sending = sending
    entry.sendingAt = this.#options.clock.now()
    if (parts !== undefined) {
      await entry.sent?.resend(parts, { signal: sending.signal }).catch(() => {})
    } else {
      const answer = await this.#travelling(entry)
      const sent = answer && (await this.#send(entry.from, answer, { signal: sending.signal }))
      // One frame is as well sent anew; of several, those that arrived need not come again.
      if (sent !== undefined && sent.count > 1 && entry.answer !== undefined) entry.sent = sent
    }
    entry.sending = undefined
    this.#checkIdle()
  }

  /** The answer as it travels: by reference, where it is in the store. */
  async #travelling(entry: Entry): Promise<Reply | undefined> {
    const { answer, storing, id } = entry
    if (answer?.type !== 'result' || storing === undefined) return answer
    const { payloads } = this.#options
    try {
      await storing.done
      // It is in the store: the memory is free.
      if (entry.answer === answer) entry.answer = { ...answer, body: NOTHING }
      const request = await payloads.presignResponse(storing.stored)
      return { type: 'result', id, stored: { ...storing.stored, request } }
    } catch (error) {
      payloads.failed(error as TetherError)
      const failed = { type: 'error', id, error: toLambdaError(error) } as const
      // Whoever asks again gets the same.
      if (entry.answer?.type === 'result') entry.answer = failed
      return failed
    }
  }

  // Never rejects: what could not be sent is asked for again.
  async #send(to: string, message: Reply, options: AbortOptions = {}): Promise<Sent | undefined> {
    const { identity } = this.#options
    try {
      return await this.#options.send(
        to,
        {
          ...message,
          session: identity.session,
          epoch: identity.epoch,
        } as Outbound<SessionMessage>,
        options,
      )
    } catch {
      // The link reports its state; the stub asks until it is answered.
      return undefined
    }
  }

  #checkIdle(): void {
    if (this.#onIdle !== undefined && this.#options.ledger.idle) this.#onIdle()
  }
}
