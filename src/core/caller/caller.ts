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
  Failure,
  LastingEffect,
  Moment,
} from './call-state.js'
import { chosen } from './choice.js'
import { notWaited, toError } from './failure.js'
import type { NamedSession } from './named-session.js'
import type { CallerOptions, CallInput } from './options.js'
import { type LineEvents, type Sendable, SessionLine } from './session-line.js'
import { StreamBody, type StreamMessage } from './stream-body.js'
import { connectMs, wakeAt } from './timing.js'

/** The route of one invocation to one session. */
interface Way {
  readonly peer: NamedSession
  readonly also?: readonly string[]
  /** The session that was chosen by its card. */
  readonly session?: string
  readonly mirrored?: Mirrored | undefined
  readonly onAck?: (() => void) | undefined
  /** Called before the call fails, if the session certainly did not run it. */
  onNotRun?(): void
}

interface Call extends Sendable {
  readonly way: Way
  readonly resolve: (outcome: CallOutcome) => void
  readonly reject: (error: TetherError) => void
  state: CallState
}

// An idle connection may have been dropped without notice to a frozen process. Shorter than the idle time-out of any
// broker or NAT, longer than a busy function's pauses.
const STALE_AFTER_MS = 60_000

/** Messages that a session sends only about an invocation that it has, variables included. */
const HAVE_IT: readonly SessionMessage['type'][] = ['ack', 'result', 'error', 'chunk', 'end']

/**
 * The stub's side of invocations, one instance for each execution environment. Passes every event to its calls,
 * performs their effects, and keeps one timer for all of them.
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

  /** Created at the first invocation, so that an earlier snapshot of the process holds no identity. */
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
    if (this.#options.team !== undefined) return this.#share(id, input, { onAck })
    const [peer] = this.#line.peers as [NamedSession]
    if (this.#nobody(input) !== undefined) {
      // After a freeze, first read the frames that arrived meanwhile.
      await new Promise(setImmediate)
      const error = this.#nobody(input)
      if (error !== undefined) {
        // Ask in the background, so that the next invocation knows whether a session is present.
        const asked = this.#line.connectAtOnce().then(() => this.#line.ask(peer, id))
        asked.catch(() => {})
        throw error
      }
    }
    return this.#traced(id, input, { peer, onAck })
  }

  /**
   * Sends the session a copy of an event that the function itself answers, once. A copy still under way when the
   * process is frozen is dropped. Resolves when the copy has left.
   * @throws errors of the transport; `ABORTED` when it was dropped
   */
  async mirror(input: CallInput, mirrored: Mirrored): Promise<void> {
    this.onEvent({ type: 'wake' })
    this.connect()
    const id = this.#ids.next()
    if (this.#options.team !== undefined) await this.#share(id, input, { mirrored })
    else await this.#run(id, input, { peer: this.#line.peers[0]!, mirrored })
  }

  /** Connects in the background. Replaces a connection that may have died unnoticed. @throws TetherError `CLOSED` */
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

  /** Closes the connection; for tests and for hosts that shut down in order. */
  async close(): Promise<void> {
    this.#closed = true
    this.onEvent({ type: 'stub closed' })
    await this.#line.link.stop()
  }

  /** A line with a name of its own: 128 random bits. */
  #newLine(): SessionLine {
    return new SessionLine(this.#options, this.#ids.next(), this.#clock, this)
  }

  /**
   * Runs one invocation in the session with the matching card. Chooses once; moves to the next session only if the
   * chosen one has certainly not run it.
   */
  async #share(id: string, input: CallInput, way: Pick<Way, 'mirrored' | 'onAck'>): Promise<CallOutcome> {
    const passed = new Set<NamedSession>()
    const startedAt = this.#now()
    let error = this.#unreachable(input)
    while (error === undefined || passed.size > 0) {
      const line = this.#line
      const spentMs = Math.max(0, this.#now() - startedAt)
      const left = { ...input, remainingMs: Math.max(0, input.remainingMs - spentMs) }
      const terms = { options: this.#options, input: left, startedAt: 0, mirrored: way.mirrored }
      const found = await chosen(line, this.#clock, left, {
        passed,
        connectMs: connectMs(terms, 0),
        // Silence of the broker is tolerated as long as a session's.
        lookMs: Math.min(this.#options.ackTimeoutMs, left.remainingMs / 2),
      })
      if (found === undefined || 'why' in found) {
        const about = { input, options: this.#options }
        error ??= toError(found ?? { why: 'not taken', unwatched: line.unwatched }, about, line)
        if (error.code === 'UNREACHABLE') for (const { watch } of line.peers) watch.failed(error)
        break
      }
      const { peer, also, session } = found
      const onNotRun = () => void passed.add(peer)
      try {
        return await this.#traced(id, left, { ...way, peer, also, session, onNotRun })
      } catch (failure) {
        if (!passed.has(peer)) throw failure
        error = failure as TetherError
      }
    }
    throw error
  }

  /**
   * The error for an invocation of a team that need not wait for a connection: the broker was unreachable a moment ago.
   */
  #unreachable(input: CallInput): TetherError | undefined {
    const { link, peers } = this.#line
    const waits = peers.map(({ watch }) => watch.failedWait)
    if (link.connected || !waits.every((wait) => wait?.error.code === 'UNREACHABLE')) return undefined
    return notWaited(waits[0]!, { input, options: this.#options }, this.#line)
  }

  /** The error for an invocation that need not wait: the session is known to be absent. */
  #nobody(input: CallInput): TetherError | undefined {
    const { link, peers } = this.#line
    const { watch } = peers[0]!
    const about = { input, options: this.#options }
    if (watch.closed && link.connected) return toError({ why: 'closed' }, about, this.#line)
    return watch.failedWait && notWaited(watch.failedWait, about, this.#line)
  }

  #traced(id: string, input: CallInput, way: Way): Promise<CallOutcome> {
    if (way.mirrored !== undefined || !isTraced('call')) return this.#run(id, input, way)
    const { functionId, context } = input
    const { awsRequestId: requestId, traceId } = context
    const about = {
      invocationId: id,
      functionId,
      requestId,
      traceId,
      session: way.peer.name,
      environmentId: this.#line.environmentId,
    }
    const trace = traceOf('call', () => defined(about))
    return traced(trace, () => this.#run(id, input, way), errorTypeOf)
  }

  #run(id: string, input: CallInput, way: Way): Promise<CallOutcome> {
    const { peer, mirrored, also = [] } = way
    const { options } = peer
    const packed = mirrored === undefined ? packBody(input.event) : undefined
    const isLarge = packed !== undefined && packed.bytes.length > options.transport.limits.frameBytes
    const bytesToStore = isLarge ? storedBytes(packed) : undefined
    const moment = this.#moment(peer)
    const frameBytes = Math.min(packed?.bytes.length ?? 0, options.transport.limits.frameBytes)
    const terms = { options, input, mirrored, startedAt: moment.now, frameBytes, bytesToStore }
    const first = begin(terms, moment)
    return new Promise((resolve, reject) => {
      const event = packed ?? input.event
      const call: Call = {
        id,
        sends: 0,
        firstSentAt: 0,
        peer,
        also,
        terms,
        event,
        way,
        resolve,
        reject,
        state: first.state,
      }
      this.#calls.set(id, call)
      this.#take(call, first, moment)
    })
  }

  /** Implements {@link LineEvents}. */
  peerOf(invocationId: string): NamedSession | undefined {
    return this.#calls.get(invocationId)?.peer
  }

  /** Implements {@link LineEvents}. */
  onMessage(message: SessionMessage, from: NamedSession): void {
    const call = this.#calls.get(message.id)
    // In a team, another session may still send messages about an invocation that it declined.
    if (call?.peer !== from) return
    const { type, session } = message
    if (call.body === undefined && HAVE_IT.includes(type)) {
      this.#line.informed(from, session, call.terms.input.env)
      call.way.onAck?.()
    }
    this.#step(call, { type: 'message', message })
  }

  /** Implements {@link LineEvents}. */
  onEvent(event: CallEvent, about?: string | NamedSession): void {
    for (const call of this.#calls.values())
      if (about === undefined || about === call.id || about === call.peer) this.#step(call, event)
  }

  #step(call: Call, event: CallEvent): void {
    // An effect may finish after the call is over; by then the next session of a team may have its id.
    if (call.state.phase === 'over') return
    const moment = this.#moment(call.peer)
    this.#take(call, step(call.state, event, moment), moment)
  }

  #take(call: Call, { state, effects }: CallStep, moment: Moment): void {
    call.state = state
    for (const effect of effects) this.#perform(call, effect)
    // Read `call.state` again: an effect may have caused another step already.
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
        if (call.terms.mirrored === undefined) call.peer.settled.push(call.id)
        return call.resolve(effect.outcome)
      case 'receive':
        return this.#receive(call, effect.message)
      case 'received all':
        call.peer.settled.push(call.id)
        return
      case 'fail': {
        const error = toError(effect.failure, call.terms, this.#line)
        const silent = error.code === 'UNREACHABLE' ? this.#line.peers : [call.peer]
        for (const { watch } of silent) watch.failed(error)
        if (didNotRun(effect.failure, call)) call.way.onNotRun?.()
        call.reject(error)
        call.body?.fail(error)
        if (effect.cancel) this.#line.cancel(call.peer, call.id, error)
        return
      }
      default:
        void this.#follow(call, effect)
    }
  }

  /** Passes a message to a stream, and the stream to its caller as soon as it has begun. */
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

  /** Performs an effect and steps again with its result. */
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

  #moment({ watch, storeless }: NamedSession): Moment {
    const { connected, activeAt } = this.#line.link
    const { online, closed } = watch
    return { now: this.#now(), connected, activeAt, online, closed, storeless, latencyMs: this.#latencyMs }
  }

  /** Wall clock time, which includes freezes. Never goes back: setting the clock back must not prolong a wait. */
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

  /** Without calls, there is no timer and time follows the clock again. */
  #rest(): void {
    this.#cancelWake?.()
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#latestAt = this.#aheadMs = 0
  }
}

/**
 * Whether the chosen session has certainly not run the invocation and never will. Either that same session declined (a
 * successor does not know which invocations its predecessor ran), or no session was connected when it was first sent.
 */
function didNotRun(failure: Failure, { sent, way }: Call): boolean {
  if (failure.why === 'declined') return failure.session === way.session
  return failure.why === 'absent' && sent === undefined
}

function errorTypeOf(outcome: CallOutcome): string | undefined {
  return outcome.kind === 'error' ? outcome.error.errorType : undefined
}
