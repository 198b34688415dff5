import type { Clock } from './clock.js'
import { TetherError, toLambdaError } from './errors.js'
import type { SessionEmitter } from './events.js'
import type { Answer } from './invocation.js'
import type { Entry, Ledger } from './ledger.js'
import type { Sent } from './outgoing.js'
import type { MissingParts, SessionMessage } from './protocol.js'
import { limitAnswer } from './response-limit.js'

export interface OutcomesOptions {
  readonly identity: { readonly session: string }
  readonly clock: Clock
  readonly maxKeptBytes: number
  readonly emitter: SessionEmitter
  readonly ledger: Ledger
  send(to: string, message: SessionMessage): Promise<Sent>
}

/** A message without what every one of a session's carries. */
export type Reply<M = SessionMessage> = M extends unknown ? Omit<M, 'session'> : never

/** How a session's invocations end, and what their stubs are told of it. */
export class Outcomes {
  readonly #options: OutcomesOptions
  #onIdle: (() => void) | undefined

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** Gives an invocation its one outcome; a second is reported as `discard`. Resolves when it was handed over. */
  async settle(entry: Entry, given: Answer): Promise<void> {
    const { emitter, clock, identity, ledger } = this.#options
    const { invocation } = entry
    if (entry.state !== 'running') {
      const message = `The outcome of invocation ${invocation.id} of '${invocation.functionId}' came after it had ended.`
      return emitter.emit('discard', { reason: 'late', message, from: entry.from })
    }
    const answer = limitAnswer(given)
    const about = { id: invocation.id, ...identity }
    const durationMs = clock.now() - entry.startedAt
    if (answer.kind === 'value') {
      ledger.answer(entry, { type: 'result', ...about, body: answer.body }, answer.body.length)
      emitter.emit('respond', invocation, { bytes: answer.body.length, durationMs })
    } else {
      const bytes = Buffer.byteLength(JSON.stringify(answer.error))
      ledger.answer(entry, { type: 'error', ...about, error: answer.error }, bytes)
      emitter.emit('fail', invocation, { error: answer.error, durationMs })
    }
    await this.#sendAnswer(entry)
  }

  /** Tells a stub that asks, or that sends an invocation again, how things stand. */
  repeat(entry: Entry, missing?: MissingParts): void {
    const { id } = entry.invocation
    if (entry.state === 'running' || entry.sending) return this.reply(entry.from, { type: 'ack', id })
    if (entry.state === 'answered') return void this.#sendAnswer(entry, missing)
    if (entry.state === 'evicted') {
      const why = `more than ${this.#options.maxKeptBytes} bytes of answers waited for their stubs`
      const error = new TetherError(
        'RESULT_EVICTED',
        `Invocation ${id} has run, but its answer was dropped: ${why}. Raise 'maxKeptBytes'.`,
      )
      this.reply(entry.from, { type: 'error', id, error: toLambdaError(error) })
    }
  }

  /** Stops what runs because its stub no longer waits, or, with `CLOSED`, because this session ends. */
  abort(entry: Entry, error: TetherError): void {
    if (entry.state !== 'running') return
    if (error.code === 'CLOSED') {
      // The stub still waits, and gets to know at once.
      void this.settle(entry, { kind: 'error', error: toLambdaError(error) })
    } else {
      const { emitter, clock, ledger } = this.#options
      ledger.end(entry)
      const durationMs = clock.now() - entry.startedAt
      emitter.emit('fail', entry.invocation, { error: toLambdaError(error), durationMs })
    }
    entry.abort.abort(error)
    this.#checkIdle()
  }

  /** Tells the stub that this session does not run the function; nothing was run. */
  decline(entry: Entry): void {
    const { id, functionId } = entry.invocation
    this.#options.ledger.end(entry)
    this.#options.ledger.remove(entry)
    entry.abort.abort(new TetherError('DECLINED', `The session does not serve '${functionId}'.`))
    this.reply(entry.from, { type: 'decline', id, reason: `it does not serve function '${functionId}'` })
    this.#checkIdle()
  }

  /** Tells the stub that the invocation is being run. */
  async acknowledge(entry: Entry): Promise<void> {
    if (entry.state !== 'running') return
    entry.acked = true
    this.#options.emitter.emit('ack', entry.invocation)
    await this.#send(entry.from, { type: 'ack', id: entry.invocation.id })
  }

  reply(to: string, message: Reply): void {
    void this.#send(to, message)
  }

  /** Resolves when nothing runs and every answer has left. */
  async idle(): Promise<void> {
    if (this.#options.ledger.idle) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  async #sendAnswer(entry: Entry, missing?: MissingParts): Promise<void> {
    if (entry.answer === undefined || entry.sending) return
    entry.sending = true
    if (missing !== undefined && entry.sent?.reference === missing.sent) {
      await entry.sent.resend(missing.parts).catch(() => {})
    } else {
      const sent = await this.#send(entry.from, entry.answer)
      // One frame is as well sent anew; of several, those that arrived need not come again.
      if (sent !== undefined && sent.count > 1) entry.sent = sent
    }
    entry.sending = false
    this.#checkIdle()
  }

  // Never rejects: what could not be sent is asked for again.
  async #send(to: string, message: Reply): Promise<Sent | undefined> {
    try {
      return await this.#options.send(to, { ...message, ...this.#options.identity } as SessionMessage)
    } catch {
      // The link reports its state; the stub asks until it is answered.
      return undefined
    }
  }

  #checkIdle(): void {
    if (this.#onIdle !== undefined && this.#options.ledger.idle) this.#onIdle()
  }
}
