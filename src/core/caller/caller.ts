import { type Cancel, type Clock, systemClock } from '../base/clock.js'
import { defined } from '../base/defined.js'
import { isTraced, traced, traceOf } from '../base/diagnostics.js'
import { TetherError } from '../base/errors.js'
import { RandomIds } from '../base/random-ids.js'
import { setImmediate } from '../base/timers.js'
import { storedBytes } from '../payload/stored-body.js'
import { packBody } from '../wire/compress.js'
import type { Mirrored, SessionMessage } from '../wire/protocol.js'
import { begin, step } from './call.js'
import type {
  CallEffect,
  CallEvent,
  CallOutcome,
  CallState,
  CallStep,
  LastingEffect,
  Moment,
} from './call-state.js'
import { notWaited, toError } from './failure.js'
import type { CallerOptions, CallInput } from './options.js'
import { type LineEvents, type Sendable, SessionLine } from './session-line.js'
import { StreamBody, type StreamMessage } from './stream-body.js'
import { wakeAt } from './timing.js'

interface Call extends Sendable {
  readonly resolve: (outcome: CallOutcome) => void
  readonly reject: (error: TetherError) => void
  readonly onAck: (() => void) | undefined
  state: CallState
}

// An idle connection may have been dropped, and nothing said so to a frozen process. Shorter than any broker's
// or NAT's patience, longer than a busy function's pauses.
const STALE_AFTER_MS = 60_000

/** What a session sends only about an invocation that it has, with its variables. */
const HAVE_IT: readonly SessionMessage['type'][] = ['ack', 'result', 'error', 'chunk', 'end']

/**
 * The stub's side of invocations: one for each execution environment. It steps its calls with every event, performs their
 * effects, and keeps one timer for all of them.
 */
export class Caller implements LineEvents {
  readonly #options: CallerOptions
  readonly #clock: Clock
  readonly #ids = new RandomIds()
  #line: SessionLine
  readonly #calls = new Map<string, Call>()
  #latencyMs = 0
  #latestAt = 0
  #aheadMs = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #cancelWake: Cancel | undefined
  #closed = false

  /** Made at the first invocation: until then a snapshot of the process holds no identity. */
  constructor(options: CallerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#line = this.#newLine()
  }

  /**
   * Runs one invocation in the session.
   * @param onAck called when a session has the invocation; may be called more than once
   * @throws TetherError `NO_SESSION`, `UNREACHABLE`, `DECLINED`, `SESSION_LOST`, `DEADLINE`
   */
  async call(input: CallInput, onAck?: () => void): Promise<CallOutcome> {
    this.connect()
    const id = this.#ids.next()
    if (this.#nobody(input) !== undefined) {
      // After a freeze, read the frames that have arrived meanwhile first.
      await new Promise(setImmediate)
      const error = this.#nobody(input)
      if (error !== undefined) {
        // Ask in the background, so that the next invocation knows whether a session is there.
        const asked = this.#line.connectAtOnce().then(() => this.#line.ask(id))
        asked.catch(() => {})
        throw error
      }
    }
    if (!isTraced('call')) return this.#run(id, input, undefined, onAck)
    const { functionId, context } = input
    const { awsRequestId: requestId, traceId } = context
    const { session } = this.#options
    const about = {
      invocationId: id,
      functionId,
      requestId,
      traceId,
      session,
      environmentId: this.#line.environmentId,
    }
    const trace = traceOf('call', () => defined(about))
    return traced(trace, () => this.#run(id, input, undefined, onAck), errorTypeOf)
  }

  /**
   * Sends the session a copy of what the function itself answers, once; one that was under way when the process was
   * frozen is dropped. Resolves when it has left.
   * @throws what the transport throws; `ABORTED` when it was dropped
   */
  async mirror(input: CallInput, mirrored: Mirrored): Promise<void> {
    this.onEvent({ type: 'wake' })
    this.connect()
    await this.#run(this.#ids.next(), input, mirrored)
  }

  /** Connects in the background, or anew where the connection may have died unseen. @throws TetherError `CLOSED` */
  connect(): void {
    if (this.#closed) throw new TetherError('CLOSED', 'The stub was closed.')
    if (this.#line.worn && this.#calls.size === 0) {
      void this.#line.link.stop()
      this.#line = this.#newLine()
    }
    const { link } = this.#line
    const idleMs = this.#clock.now() - link.activeAt
    // Negative after the clock was set back: unknown, so replace as well.
    if (link.connected && Math.abs(idleMs) > STALE_AFTER_MS) link.replace()
    link.start()
    if (!link.connected) this.#line.connectAtOnce().catch(() => {})
  }

  /** Closes the connection; for tests and for hosts that end in an orderly way. */
  async close(): Promise<void> {
    this.#closed = true
    this.onEvent({ type: 'stub closed' })
    await this.#line.link.stop()
  }

  /** Under a name of its own: 128 random bits. */
  #newLine(): SessionLine {
    return new SessionLine(this.#options, this.#ids.next(), this.#clock, this)
  }

  /** The error of an invocation that need not wait: the session is known to be absent. */
  #nobody(input: CallInput): TetherError | undefined {
    const { link, watch } = this.#line
    const about = { input, options: this.#options }
    if (watch.closed && link.connected) return toError({ why: 'closed' }, about, this.#line)
    return watch.failedWait && notWaited(watch.failedWait, about, this.#line)
  }

  #run(id: string, input: CallInput, mirrored?: Mirrored, onAck?: () => void): Promise<CallOutcome> {
    const options = this.#options
    const packed = mirrored === undefined ? packBody(input.event) : undefined
    const isLarge = packed !== undefined && packed.bytes.length > options.transport.limits.frameBytes
    const bytesToStore = isLarge ? storedBytes(packed) : undefined
    const moment = this.#moment()
    const frameBytes = Math.min(packed?.bytes.length ?? 0, options.transport.limits.frameBytes)
    const terms = { options, input, mirrored, startedAt: moment.now, frameBytes, bytesToStore }
    const first = begin(terms, moment)
    return new Promise((resolve, reject) => {
      const event = packed ?? input.event
      const call: Call = { id, terms, event, resolve, reject, onAck, state: first.state }
      this.#calls.set(id, call)
      this.#take(call, first, moment)
    })
  }

  /** For its line. */
  onMessage(message: SessionMessage): void {
    const call = this.#calls.get(message.id)
    if (call === undefined) return
    const { type, session } = message
    if (call.body === undefined && HAVE_IT.includes(type)) {
      this.#line.informed(session, call.terms.input.env)
      call.onAck?.()
    }
    this.#step(call, { type: 'message', message })
  }

  /** For its line. */
  onEvent(event: CallEvent, id?: string): void {
    for (const call of this.#calls.values()) if (id === undefined || id === call.id) this.#step(call, event)
  }

  #step(call: Call, event: CallEvent): void {
    const moment = this.#moment()
    this.#take(call, step(call.state, event, moment), moment)
  }

  #take(call: Call, { state, effects }: CallStep, moment: Moment): void {
    call.state = state
    for (const effect of effects) this.#perform(call, effect)
    // Not `state`: an effect may have caused another step already.
    if (call.state.phase !== 'over') return this.#wakeBy(wakeAt(call.state, moment))
    call.stop?.abort()
    this.#calls.delete(call.id)
    if (this.#calls.size === 0) this.#rest()
  }

  #perform(call: Call, effect: CallEffect): void {
    switch (effect.type) {
      case 'renew':
      case 'replace':
        return this.#line.link[effect.type]()
      case 'latency':
        this.#latencyMs += (effect.ms - this.#latencyMs) / 4
        return
      case 'settle':
        if (call.terms.mirrored === undefined) this.#line.settled(call.id)
        return call.resolve(effect.outcome)
      case 'receive':
        return this.#receive(call, effect.message)
      case 'received all':
        return this.#line.settled(call.id)
      case 'fail': {
        const error = toError(effect.failure, call.terms, this.#line)
        this.#line.watch.failed(error)
        call.reject(error)
        call.body?.fail(error)
        if (effect.cancel) this.#line.cancel(call.id, error)
        return
      }
      default:
        void this.#follow(call, effect)
    }
  }

  /** Gives a stream a message, and its caller the stream as soon as it has begun. */
  #receive(call: Call, message: StreamMessage): void {
    call.body ??= new StreamBody({
      onTaken: () => this.#step(call, { type: 'taken' }),
      onReturned: () => this.#step(call, { type: 'returned' }),
    })
    const { body } = call
    body.take(message)
    if (body.begun) call.resolve({ kind: 'stream', contentType: body.contentType, body: body.bytes })
    this.#step(call, { type: 'received', gap: body.hasGap, complete: body.complete })
  }

  /** Steps again with the result of an effect. */
  async #follow(call: Call, effect: LastingEffect): Promise<void> {
    let event: CallEvent | undefined
    try {
      event = await this.#line.perform(call, effect)
    } catch (cause) {
      const text = `The invocation could not be sent: ${String(cause)}`
      const error = cause instanceof TetherError ? cause : new TetherError('PROTOCOL', text, { cause })
      event = { type: 'failed', effect: effect.type, error }
    }
    if (event !== undefined) this.#step(call, event)
  }

  #moment(): Moment {
    const { link, watch, storeless } = this.#line
    const { connected, activeAt } = link
    const { online, closed } = watch
    return { now: this.#now(), connected, activeAt, online, closed, storeless, latencyMs: this.#latencyMs }
  }

  /** Wall clock time, which includes freezes, but never goes back: a clock set back must not prolong a wait. */
  #now(): number {
    const wall = this.#clock.now()
    this.#aheadMs = Math.max(this.#aheadMs, this.#latestAt - wall)
    this.#latestAt = wall + this.#aheadMs
    return this.#latestAt
  }

  #wakeBy(at: number): void {
    if (at >= this.#wakeAt) return
    this.#cancelWake?.()
    this.#wakeAt = at
    this.#cancelWake = this.#clock.schedule(at - this.#now(), this.#wake)
  }

  readonly #wake = (): void => {
    // The timer is right, even if the clock was set back.
    this.#latestAt = Math.max(this.#latestAt, this.#wakeAt)
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.onEvent({ type: 'wake' })
  }

  /** Without calls there is no timer, and time is the clock's again. */
  #rest(): void {
    this.#cancelWake?.()
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#latestAt = this.#aheadMs = 0
  }
}

function errorTypeOf(outcome: CallOutcome): string | undefined {
  return outcome.kind === 'error' ? outcome.error.errorType : undefined
}
