import { type TraceContext, traceOf } from '../base/diagnostics.js'
import { TetherError, toLambdaError } from '../base/errors.js'
import type {
  AskMessage,
  CancelMessage,
  InvokeMessage,
  PresignMessage,
  StoredBody,
  StubMessage,
} from '../wire/protocol.js'
import { Outcomes, type OutcomesOptions } from './answers.js'
import { Arriving } from './arriving.js'
import { Challenged } from './challenged.js'
import { Environments } from './environments.js'
import { Invocation, type InvocationData } from './invocation.js'
import { type Entry, Ledger } from './ledger.js'
import { Runner, type RunnerOptions } from './runner.js'

export interface DispatcherOptions extends Omit<OutcomesOptions, 'ledger'>, Omit<RunnerOptions, 'outcomes'> {
  /** The session's name. */
  readonly name: string
  /** Whether this session still holds its name, as far as a stub that has heard of `epoch` knows. */
  mayServe(epoch: number): boolean
  /** Which parts of an incomplete message have not arrived. */
  missing(reference: string): readonly number[] | undefined
}

/** An invocation that is to be run, but for its event. */
interface Arrival {
  readonly message: InvokeMessage
  readonly from: string
  readonly env: Readonly<Record<string, string>>
  readonly arrivedAt: number
}

const NOTHING = new Uint8Array()
/** How long every message is remembered, by its number. */
const REMEMBERED_MS = 60_000
const CLOCK_TOLERANCE_MS = 30_000
const STOP_MS = 500

/** What a session does with what stubs say: at most one execution of each invocation. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #ledger: Ledger
  readonly #outcomes: Outcomes
  readonly #runner: Runner
  readonly #environments = new Environments()
  readonly #challenged: Challenged
  readonly #arriving = new Arriving()
  /** Invocations whose events are being read from the payload store. */
  readonly #fetching = new Set<string>()
  #openedAt: number
  readonly #stopped: Promise<void>
  #onStopped: () => void = () => {}
  #closing = false

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#ledger = new Ledger(options.clock, options.maxKeptBytes, (stored) =>
      options.payloads.delete(stored),
    )
    this.#outcomes = new Outcomes({ ...options, ledger: this.#ledger })
    this.#runner = new Runner({ ...options, outcomes: this.#outcomes })
    this.#challenged = new Challenged(options.clock)
    this.#openedAt = options.clock.now()
    this.#stopped = new Promise((resolve) => {
      this.#onStopped = resolve
    })
  }

  /** From now on invocations arrive: what was sent before may have been run by another session. */
  opened(): void {
    this.#openedAt = this.#options.clock.now()
  }

  receive(message: StubMessage, from: string): void {
    if (!this.#options.mayServe(message.epoch)) return
    this.#ledger.settle(message.settled, from)
    if (message.type === 'invoke') return this.#onInvoke(message, from)
    if (message.type === 'presign') return void this.#onPresign(message, from)
    const entry = this.#ledger.get(message.id)
    if (entry !== undefined && entry.from !== from) return
    if (message.type === 'cancel') return this.#onCancel(entry, message)
    if (entry !== undefined) return this.#outcomes.repeat(entry, message.missing)
    this.#onAskUnknown(message, from)
  }

  async #onPresign({ id, bytes }: PresignMessage, from: string): Promise<void> {
    if (this.#closing) return
    try {
      const place = await this.#options.payloads.presignEvent(bytes)
      this.#outcomes.reply(from, { type: 'url', id, ...place })
    } catch (error) {
      this.#options.payloads.failed(error as TetherError)
      this.#outcomes.reply(from, { type: 'error', id, error: toLambdaError(error) })
    }
  }

  #onAskUnknown({ id, sent, boundTo }: AskMessage, from: string): void {
    // Another session may have it by now, and its answer is the one that counts.
    if (this.#closing || this.#ledger.knows(id)) return
    if (boundTo === this.#options.identity.session) {
      const challenged = this.#challenged.take(id)
      if (challenged?.from === from) return this.#begin(challenged.message, from, challenged.arrivedAt)
    }
    if (this.#challenged.has(id)) return this.#outcomes.reply(from, { type: 'challenge', id })
    if (this.#fetching.has(id) || this.#arriving.isArriving(id, this.#options.clock.now())) {
      return this.#outcomes.reply(from, { type: 'ack', id })
    }
    const parts = sent === undefined ? undefined : this.#options.missing(sent)
    if (sent === undefined || parts === undefined) return this.#outcomes.reply(from, { type: 'unknown', id })
    this.#outcomes.reply(from, { type: 'missing', id, sent, parts })
  }

  /** A part of an invocation has arrived, its first among those before: it is acknowledged before the last. */
  receiving(id: string, from: string): void {
    const first = this.#arriving.part(id, this.#options.clock.now())
    const known = !first || this.#ledger.knows(id)
    if (!known && !this.#closing) this.#outcomes.reply(from, { type: 'ack', id })
  }

  /** Whether nothing runs and every answer has left. */
  get idle(): boolean {
    return this.#ledger.idle
  }

  /** Takes nothing from now on; resolves when nothing runs and every answer has left, or soon after `stop`. */
  async drain(): Promise<void> {
    this.#closing = true
    await Promise.race([this.#outcomes.idle(), this.#stopped])
    this.#ledger.close()
  }

  /** Stops what runs, and the draining with it. */
  stop(): void {
    this.#closing = true
    this.#outcomes.stop(new TetherError('CLOSED', 'The session was closed before local code answered.'))
    // Long enough for what tells the stubs; what a broken connection holds back is not waited for.
    this.#options.clock.schedule(STOP_MS, this.#onStopped)
  }

  /** Stops what runs without a word: the session that took the name answers for it. */
  abandon(): void {
    this.#closing = true
    this.#outcomes.abandon(new TetherError('DISPLACED', 'Another session has taken the name.'))
    this.#onStopped()
  }

  #onInvoke(message: InvokeMessage, from: string): void {
    const arrivedAt = this.#arriving.complete(message.id) ?? this.#options.clock.now()
    if (this.#ledger.knows(message.id)) {
      this.#options.counters.duplicateInvocations++
      const known = this.#ledger.get(message.id)
      return known?.from === from ? this.#outcomes.repeat(known) : undefined
    }
    // Silence, not a refusal: another session may be there to take it.
    if (this.#closing) return
    if (!this.#isFresh(message)) {
      this.#challenged.hold(message, from, arrivedAt)
      return this.#outcomes.reply(from, { type: 'challenge', id: message.id })
    }
    this.#begin(message, from, arrivedAt)
  }

  #begin(message: InvokeMessage, from: string, arrivedAt: number): void {
    const env = this.#environments.variables(from, message.envFingerprint, message.env)
    if (env === undefined) return this.#outcomes.reply(from, { type: 'need', id: message.id })
    const arrival: Arrival = { message, from, env, arrivedAt }
    if (message.stored === undefined) return this.#run(arrival, message.event!)
    void this.#fetch(arrival, message.stored)
  }

  /** Reads the event from the payload store, which may take long: the stub is told first. */
  async #fetch(arrival: Arrival, stored: StoredBody): Promise<void> {
    const { id } = arrival.message
    if (this.#fetching.has(id)) return
    this.#fetching.add(id)
    this.#outcomes.reply(arrival.from, { type: 'ack', id })
    try {
      const event = await this.#options.payloads.takeEvent(stored)
      if (!this.#ledger.knows(id) && !this.#closing) this.#run(arrival, event)
    } catch (error) {
      const { entry } = this.#enter(arrival, NOTHING)
      this.#runner.fail(entry, error)
    } finally {
      this.#fetching.delete(id)
    }
  }

  #run(arrival: Arrival, event: Uint8Array): void {
    const { entry, invocation } = this.#enter(arrival, event)
    this.#runner.start(entry, invocation)
  }

  // A message bound to this session is none recorded before it began, and what it has seen since it remembers. Another is
  // accepted at the first contact alone, where clocks agree and this session is old enough to remember a recording.
  #isFresh({ boundTo, sentAt }: InvokeMessage): boolean {
    if (boundTo === this.#options.identity.session) return true
    const now = this.#options.clock.now()
    return now - this.#openedAt > REMEMBERED_MS && Math.abs(now - sentAt) <= CLOCK_TOLERANCE_MS
  }

  #enter(
    { message, from, env, arrivedAt }: Arrival,
    event: Uint8Array,
  ): { entry: Entry; invocation: Invocation } {
    const { clock, identity, counters } = this.#options
    const now = clock.now()
    const abort = new AbortController()
    const data: InvocationData = {
      id: message.id,
      functionId: message.functionId,
      environmentId: from,
      eventBytes: event,
      context: message.context,
      env,
      // Another session had it, or could have had it before this one began.
      rerun:
        (message.ackedBy !== undefined && message.ackedBy !== identity.session) ||
        message.ageMs > now - this.#openedAt,
      mirrored: message.mirrored ?? false,
      // The time that its parts took to arrive is over for the function as well.
      deadline: arrivedAt + message.remainingMs,
      signal: abort.signal,
    }
    const invocation: Invocation = new Invocation(data, {
      now: () => clock.now(),
      state: () => (entry.answered ? 'answered' : entry.state === 'running' ? 'running' : 'ended'),
      acknowledge: () => {
        entry.taken = true
        this.#runner.ackSoon(entry)
      },
      settle: (answer) => this.#outcomes.settle(entry, answer),
    })
    const entry: Entry = {
      id: message.id,
      functionId: message.functionId,
      deadline: data.deadline,
      invocation,
      from,
      startedAt: now,
      mirrored: data.mirrored !== false,
      abort,
      taken: false,
      acked: false,
      answered: false,
      state: 'running',
      answerBytes: 0,
      sending: undefined,
      sendingAt: 0,
      timers: new Set(),
      trace: traceOf('invocation', () => this.#describe(invocation, arrivedAt)),
    }
    counters.received++
    this.#ledger.add(entry)
    const cancel = clock.schedule(data.deadline - now, () => {
      this.#outcomes.abort(
        entry,
        new TetherError(
          'DEADLINE',
          `Invocation ${message.id} of '${message.functionId}' had ${Math.round(message.remainingMs)} ms when it arrived and no answer by then.`,
        ),
      )
    })
    entry.timers.add(cancel)
    return { entry, invocation }
  }

  #describe(invocation: Invocation, arrivedAt: number): TraceContext {
    const { id, functionId, environmentId, rerun, context } = invocation
    return {
      invocationId: id,
      functionId,
      requestId: context.awsRequestId,
      ...(context.traceId === undefined ? {} : { traceId: context.traceId }),
      session: this.#options.name,
      environmentId,
      rerun,
      arrivedAt,
    }
  }

  #onCancel(entry: Entry | undefined, { id, code, reason }: CancelMessage): void {
    if (code === 'STORE_FAILED')
      this.#options.payloads.failed(new TetherError(code, `A stub reports: ${reason}`))
    this.#challenged.take(id)
    // It may overtake its invocation, which must not run then.
    if (entry === undefined) return this.#ledger.bury(id)
    if (entry.state !== 'running') return this.#ledger.end(entry)
    this.#outcomes.abort(
      entry,
      new TetherError('DEADLINE', `The stub gave up on invocation ${id}: ${reason}`),
    )
  }
}
