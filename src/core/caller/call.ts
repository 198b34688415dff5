import type { Cancel, Clock } from '../base/clock.js'
import { type LambdaError, TetherError } from '../base/errors.js'
import type { PresignedRequest } from '../contracts/payload-store.js'
import type { AbortOptions } from '../contracts/transport.js'
import { LargeEvent } from '../payload/large-event.js'
import { MAX_STORED_BYTES } from '../payload/session-payloads.js'
import { openBody } from '../payload/stored-body.js'
import { download } from '../payload/transfer.js'
import type { Sent } from '../wire/outgoing.js'
import type { MissingParts, SessionMessage, StoredBody, UrlMessage } from '../wire/protocol.js'
import { CallErrors } from './errors.js'
import type { CallerOptions, CallInput } from './options.js'
import { CallTiming } from './timing.js'
import type { Wire } from './wire.js'

/** What the session answered. */
export type CallOutcome =
  | { readonly kind: 'value'; readonly body: Uint8Array }
  | { readonly kind: 'error'; readonly error: LambdaError }

type Phase = 'connecting' | 'sending' | 'waiting' | 'transferring' | 'done'

/** One invocation's state machine on the stub's side. */
export class Call {
  readonly #id: string
  readonly #input: CallInput
  readonly #options: CallerOptions
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #giveUpAt: number
  /** Made when there is something to wait for: most calls find a connection. */
  #giveUp: AbortController | undefined
  readonly #timers = new Set<Cancel>()
  readonly #event: LargeEvent
  readonly #errors: CallErrors
  readonly #timing: CallTiming
  #phase: Phase = 'connecting'
  /** What is waited for: a place to put a large event, or the answer. */
  #awaiting: 'place' | 'answer' = 'answer'
  #ackedBy: string | undefined
  #firstSentAt: number | undefined
  #sent: Sent | undefined
  #cancelWake: Cancel | undefined
  #resolve: (outcome: CallOutcome) => void = () => {}
  #reject: (error: TetherError) => void = () => {}

  constructor(id: string, input: CallInput, options: CallerOptions, wire: Wire, clock: Clock) {
    this.#id = id
    this.#input = input
    this.#options = options
    this.#wire = wire
    this.#clock = clock
    this.#startedAt = clock.now()
    this.#errors = new CallErrors(input, options, wire)
    this.#event = new LargeEvent(input.event, options.transport.limits.frameBytes)
    // A function with little time keeps half of it for waiting.
    const margin = Math.min(options.deadlineMarginMs, input.remainingMs / 2)
    this.#giveUpAt = this.#startedAt + input.remainingMs - margin
    this.#timing = new CallTiming({
      giveUpAt: this.#giveUpAt,
      ackTimeoutMs: options.ackTimeoutMs,
      connectTimeoutMs: options.connectTimeoutMs,
      online: () => wire.online(),
      latencyMs: () => wire.latencyMs(),
    })
  }

  async run(): Promise<CallOutcome> {
    const settled = new Promise<CallOutcome>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const connectMs = this.#timing.connectMs(this.#startedAt)
    this.#after(this.#giveUpAt - this.#clock.now(), () => this.#outOfTime())
    this.#after(connectMs, () => {
      if (this.#phase === 'connecting') this.#fail(this.#errors.unreachable(connectMs))
    })
    void this.#submit(false)
    try {
      return await settled
    } finally {
      this.#phase = 'done'
      for (const cancel of this.#timers) cancel()
      this.#cancelWake?.()
      this.#giveUp?.abort()
    }
  }

  /** Another connection is up: what was sent on the old one may be lost. Silence counts anew after an outage. */
  connected(): void {
    const waiting = this.#phase === 'waiting'
    this.#timing.connected(this.#clock.now(), waiting)
    if (!waiting) return
    void this.#ask()
    this.#sleep()
  }

  /** No connection is up: silence says nothing, and connecting has its own time. */
  disconnected(): void {
    this.#timing.disconnected(this.#clock.now())
    if (this.#phase === 'waiting') this.#sleep()
  }

  /**
   * The session has closed. An acknowledged invocation waits for its successor.
   * @param before whether it closed before this invocation was sent: then nothing of it is under way
   */
  sessionClosed(before: boolean): void {
    if (this.#phase === 'done' || this.#ackedBy !== undefined) return
    if (before) return this.#fail(this.#errors.closed())
    this.#timing.closed(this.#clock.now())
    this.presenceHeard(false)
  }

  /**
   * Silence may last longer now, or less long.
   * @param news whether the session came or went meanwhile: silence counts anew, and one that came has missed what was asked
   */
  presenceHeard(news: boolean): void {
    if (this.#phase !== 'waiting') return
    if (news) {
      this.#timing.countAnew(this.#clock.now())
      if (this.#wire.online()) void this.#ask()
    }
    this.#sleep()
  }

  /** The stub is being closed. */
  close(): void {
    this.#fail(new TetherError('CLOSED', 'The stub was closed before the session answered.'))
  }

  /** A part of the answer arrived, before all of it. */
  heardPart(): void {
    this.#timing.heardPart(this.#clock.now())
  }

  receive(message: SessionMessage): void {
    if (this.#phase === 'done') return
    const latencyMs = this.#timing.heard(this.#clock.now())
    if (latencyMs !== undefined) this.#wire.noteLatency(latencyMs)
    switch (message.type) {
      case 'ack':
        this.#wire.acked(message.session)
        this.#ackedBy = message.session
        return this.#timing.acknowledged()
      case 'result':
        this.#wire.acked(message.session)
        if (message.stored !== undefined) return void this.#fetch(message.stored)
        return this.#resolve({ kind: 'value', body: message.body! })
      case 'error':
        this.#wire.acked(message.session)
        return this.#resolve({ kind: 'error', error: message.error })
      case 'url':
        return this.#onPlace(message)
      case 'decline':
        return this.#decline(message)
      case 'challenge':
        return void this.#ask()
      case 'need':
        return void this.#submit(true)
      case 'missing':
        return void this.#resend(message)
      case 'unknown':
        return this.#unknown(message.session)
    }
  }

  #onPlace({ key, request, session }: UrlMessage): void {
    if (this.#awaiting !== 'place') return
    this.#awaiting = 'answer'
    if (key === undefined || request === undefined) {
      this.#wire.noteStoreless(session)
      return void this.#submit(false)
    }
    void this.#transfer(async (options) => {
      await this.#event.put(key, request, options)
      this.#phase = 'waiting'
      await this.#submit(false)
    })
  }

  #fetch(stored: StoredBody & { readonly request: PresignedRequest }): void {
    // Asked twice, it is answered twice.
    if (this.#phase === 'transferring') return
    void this.#transfer(async (options) => {
      const limits = { maxBytes: MAX_STORED_BYTES, bytes: stored.bytes }
      const object = await download(stored.request, { ...options, ...limits })
      this.#resolve({ kind: 'value', body: openBody(stored, object, MAX_STORED_BYTES) })
    })
  }

  /** Moves bytes to or from the payload store; until then only the deadline ends the wait. */
  async #transfer(move: (options: AbortOptions) => Promise<void>): Promise<void> {
    this.#phase = 'transferring'
    this.#giveUp ??= new AbortController()
    try {
      await move({ signal: this.#giveUp.signal })
    } catch (error) {
      if (!this.#isDone()) this.#fail(error as TetherError)
    }
  }

  async #resend({ sent, parts }: MissingParts): Promise<void> {
    if (this.#sent?.reference !== sent) return this.#submit(false)
    try {
      await this.#sent.resend(parts)
    } catch (error) {
      this.#sendFailed(error)
    }
  }

  #unknown(session: string): void {
    if (this.#ackedBy !== undefined && this.#ackedBy !== session && this.#options.onSessionLost === 'fail') {
      return this.#fail(this.#errors.restarted())
    }
    if (this.#ackedBy !== undefined) this.#event.forgetStored()
    void this.#submit(false)
  }

  #decline({ session, reason }: { session: string; reason: string }): void {
    const lost = this.#ackedBy !== undefined && this.#ackedBy !== session
    this.#fail(lost ? this.#errors.successorDeclined(reason) : this.#errors.declined(reason))
  }

  async #submit(withEnv: boolean): Promise<void> {
    if (this.#phase === 'sending' || this.#phase === 'transferring') return
    try {
      if (this.#phase !== 'waiting') this.#phase = 'connecting'
      await this.#ready()
      if (this.#event.bytesToStore !== undefined && !this.#wire.storeless()) {
        this.#awaiting = 'place'
        this.#waitAgain()
        return void this.#ask()
      }
      this.#phase = 'sending'
      const now = this.#clock.now()
      this.#firstSentAt ??= now
      this.#watchSending()
      this.#sent = await this.#wire.invoke(
        {
          id: this.#id,
          remainingMs: Math.max(0, this.#startedAt + this.#input.remainingMs - now),
          ageMs: now - this.#firstSentAt,
          ...(this.#ackedBy === undefined ? {} : { ackedBy: this.#ackedBy }),
          ...this.#event.content,
        },
        { withEnv },
      )
      this.#waitAgain()
    } catch (error) {
      this.#sendFailed(error)
    }
  }

  /** A large message may take long; a connection that takes nothing of it for so long is dead. */
  #watchSending(): void {
    const { ackTimeoutMs } = this.#options
    const cancel = this.#clock.schedule(ackTimeoutMs, () => {
      this.#timers.delete(cancel)
      if (this.#phase !== 'sending') return
      if (this.#clock.now() - Math.max(this.#wire.activeAt(), this.#startedAt) >= ackTimeoutMs)
        this.#wire.replace()
      this.#watchSending()
    })
    this.#timers.add(cancel)
  }

  #sendFailed(thrown: unknown): void {
    if (this.#isDone()) return
    const error =
      thrown instanceof TetherError
        ? thrown
        : new TetherError('PROTOCOL', `The invocation could not be sent: ${String(thrown)}`, {
            cause: thrown,
          })
    if (this.#nobodyThere(error)) return
    // A frame that did not leave is a connection that broke: the next one is on its way, and brings connected().
    if (['UNREACHABLE', 'THROTTLED', 'CLOSED'].includes(error.code)) this.#waitAgain()
    else this.#fail(error)
  }

  #waitAgain(): void {
    if (this.#isDone()) return
    this.#phase = 'waiting'
    this.#timing.submitted(this.#clock.now())
    this.#sleep()
  }

  // Not a comparison in place: the phase may have changed during an await, which the compiler cannot see.
  #isDone(): boolean {
    return this.#phase === 'done'
  }

  /** Wakes for the next question, or for the end of the wait, whichever comes first. */
  #sleep(): void {
    this.#cancelWake?.()
    this.#cancelWake = this.#clock.schedule(this.#timing.wakeAt - this.#clock.now(), () => this.#wake())
  }

  #wake(): void {
    if (this.#phase !== 'waiting') return
    const now = this.#clock.now()
    const over = this.#timing.overdue(now)
    if (over !== undefined) {
      const { what, lastedMs } = over
      return this.#fail(
        what === 'outage' ? this.#errors.unreachable(lastedMs) : this.#errors.noSession(lastedMs),
      )
    }
    const question = this.#timing.question(now)
    if (question?.renew) this.#wire.renew()
    if (question?.ask) void this.#ask()
    this.#sleep()
  }

  async #ready(): Promise<void> {
    if (this.#wire.connected()) return
    this.#giveUp ??= new AbortController()
    await this.#wire.ready(this.#giveUp.signal)
  }

  async #ask(): Promise<void> {
    try {
      await this.#ready()
      const bytes = this.#event.bytesToStore
      if (this.#awaiting === 'place' && bytes !== undefined) await this.#wire.presign(this.#id, bytes)
      else await this.#wire.ask(this.#id, this.#sent?.reference)
    } catch (error) {
      // The next question is already scheduled.
      this.#nobodyThere(error)
    }
  }

  /** The broker knows that no session is connected. An acknowledged invocation waits for its successor. */
  #nobodyThere(error: unknown): boolean {
    const absent =
      error instanceof TetherError && error.details.absent === true && this.#ackedBy === undefined
    if (absent) this.#fail(this.#errors.absent(error))
    return absent
  }

  #outOfTime(): void {
    const leftMs = this.#startedAt + this.#input.remainingMs - this.#clock.now()
    const state =
      this.#ackedBy !== undefined ? 'running' : this.#phase === 'connecting' ? 'connecting' : 'unheard'
    this.#fail(this.#errors.deadline(state, leftMs))
  }

  #fail(error: TetherError): void {
    if (this.#phase === 'done') return
    const reached = this.#phase !== 'connecting'
    this.#phase = 'done'
    this.#reject(error)
    // Whoever runs it may stop; if nobody does, nobody hears.
    if (reached && error.code !== 'DECLINED' && error.details.absent !== true)
      this.#wire.cancel(this.#id, error).catch(() => {})
  }

  #after(delayMs: number, callback: () => void): void {
    this.#timers.add(this.#clock.schedule(delayMs, callback))
  }
}
