import type { Cancel, Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import { MAX_STORED_BYTES } from '../payload/session-payloads.js'
import { openBody, sealBody, storedBytes } from '../payload/stored-body.js'
import { download, upload } from '../payload/transfer.js'
import { type PackedBody, packBody } from '../wire/compress.js'
import type { Sent } from '../wire/outgoing.js'
import type { Mirrored, SessionMessage } from '../wire/protocol.js'
import { begin, step } from './call.js'
import type { CallEffect, CallEvent, CallOutcome, CallState, CallStep, Moment, Terms } from './call-state.js'
import { toError } from './failure.js'
import type { CallerOptions, CallInput } from './options.js'
import { SessionLine } from './session-line.js'
import { wakeAt } from './timing.js'

interface Call {
  readonly id: string
  readonly terms: Terms
  readonly event: PackedBody | Uint8Array
  readonly resolve: (outcome: CallOutcome) => void
  readonly reject: (error: TetherError) => void
  readonly onAcknowledged: (() => void) | undefined
  state: CallState
  firstSentAt?: number
  sent?: Sent
  /** Aborted when it is over; made for transfers and copies alone. */
  stop?: AbortController
}

/** The calls under way: steps them with what happens, and performs what they ask for. One timer serves them all. */
export class Calls {
  readonly line: SessionLine
  readonly #options: CallerOptions
  readonly #clock: Clock
  readonly #calls = new Map<string, Call>()
  #latencyMs = 0
  #latestAt = 0
  #aheadMs = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #cancelWake: Cancel | undefined

  /** @param name the environment's random id */
  constructor(options: CallerOptions, name: string, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.line = new SessionLine(options, name, clock, this)
  }

  /**
   * @param mirrored of a copy: resolves when it has left
   * @throws TetherError; `failure.ts` has them all
   */
  run(id: string, input: CallInput, mirrored?: Mirrored, onAcknowledged?: () => void): Promise<CallOutcome> {
    const options = this.#options
    // A copy leaves as it is: it must cost its function as little as can be.
    const event = mirrored === undefined ? packBody(input.event) : input.event
    const isLarge = 'encoding' in event && event.bytes.length > options.transport.limits.frameBytes
    const bytesToStore = isLarge ? storedBytes(event) : undefined
    const moment = this.#moment()
    const terms = { options, input, mirrored, startedAt: moment.now, bytesToStore }
    const { state, effects } = begin(terms, moment)
    return new Promise((resolve, reject) => {
      const call: Call = { id, terms, event, resolve, reject, onAcknowledged, state }
      this.#calls.set(id, call)
      this.#take(call, { state, effects }, moment)
    })
  }

  receive(message: SessionMessage): void {
    const call = this.#calls.get(message.id)
    if (call === undefined) return
    const { type, session } = message
    if (type === 'ack' || type === 'result' || type === 'error') {
      this.line.informed(session, call.terms.input.env)
      call.onAcknowledged?.()
    }
    this.#step(call, { type: 'message', message })
  }

  tell(id: string, event: CallEvent): void {
    const call = this.#calls.get(id)
    if (call !== undefined) this.#step(call, event)
  }

  tellAll(event: CallEvent): void {
    for (const call of this.#calls.values()) this.#step(call, event)
  }

  #step(call: Call, event: CallEvent): void {
    const moment = this.#moment()
    this.#take(call, step(call.state, event, moment), moment)
  }

  #take(call: Call, { state, effects }: CallStep, moment: Moment): void {
    call.state = state
    for (const effect of effects) this.#perform(call, effect)
    // Not `state`: what was performed may have stepped on already.
    if (call.state.phase !== 'over') return this.#wakeBy(wakeAt(call.state, moment))
    call.stop?.abort()
    this.#calls.delete(call.id)
    if (this.#calls.size === 0) this.#rest()
  }

  #perform(call: Call, effect: CallEffect): void {
    const { line } = this
    switch (effect.type) {
      case 'renew':
      case 'replace':
        return line.link[effect.type]()
      case 'latency':
        this.#latencyMs += (effect.ms - this.#latencyMs) / 4
        return
      case 'settle':
        if (call.terms.mirrored === undefined) line.settled(call.id)
        return call.resolve(effect.outcome)
      case 'fail':
        return this.#fail(call, effect)
      default:
        void this.#follow(call, effect)
    }
  }

  /** Steps again with what becomes of an effect. */
  async #follow(call: Call, effect: Lasting): Promise<void> {
    let event: CallEvent | undefined
    try {
      event = await this.#work(call, effect)
    } catch (cause) {
      const text = `The invocation could not be sent: ${String(cause)}`
      const error = cause instanceof TetherError ? cause : new TetherError('PROTOCOL', text, { cause })
      event = { type: 'failed', effect: effect.type, error }
    }
    if (event !== undefined) this.#step(call, event)
  }

  async #work(call: Call, effect: Lasting): Promise<CallEvent | undefined> {
    const { id, event } = call
    const { line } = this
    switch (effect.type) {
      case 'invoke':
        call.sent = await this.#invoke(call, effect)
        return { type: 'sent', reference: call.sent.reference }
      case 'ask':
        await line.ask(id, effect.sent)
        return undefined
      case 'presign':
        await line.send({ type: 'presign', id, bytes: effect.bytes })
        return undefined
      case 'resend':
        await call.sent?.resend(effect.parts)
        return undefined
      case 'put': {
        const { key, request, placedBy } = effect
        call.stop ??= new AbortController()
        const { object, secret } = sealBody(event as PackedBody)
        await upload(request, object, { signal: call.stop.signal })
        return { type: 'put', stored: { body: { key, secret, bytes: object.length }, placedBy } }
      }
      case 'get': {
        const { stored } = effect
        const limits = { maxBytes: MAX_STORED_BYTES, bytes: stored.bytes }
        call.stop ??= new AbortController()
        const object = await download(stored.request, { ...limits, signal: call.stop.signal })
        return { type: 'got', body: openBody(stored, object, MAX_STORED_BYTES) }
      }
    }
  }

  #invoke(call: Call, { withEnv, facts }: CallEffect & { type: 'invoke' }): Promise<Sent> {
    const { mirrored, startedAt, input } = call.terms
    const { functionId, context, env } = input
    const now = this.#time()
    call.firstSentAt ??= now
    if (mirrored !== undefined) call.stop ??= new AbortController()
    const draft = {
      type: 'invoke',
      id: call.id,
      functionId,
      context,
      remainingMs: Math.max(0, startedAt + input.remainingMs - now),
      ageMs: now - call.firstSentAt,
      ackedBy: facts.ackedBy,
      sentAt: this.#clock.now(),
      event: facts.stored === undefined ? call.event : undefined,
      stored: facts.stored?.body,
      mirrored,
    } as const
    return this.line.invoke(draft, env, withEnv, call.stop)
  }

  #fail({ id, terms, reject }: Call, { failure, cancel }: CallEffect & { type: 'fail' }): void {
    const { line } = this
    const error = toError(failure, terms, line)
    line.watch.failed(error)
    reject(error)
    const { code, message: reason } = error
    // If nobody runs it, nobody hears.
    if (cancel) line.send({ type: 'cancel', id, code, reason }).catch(() => {})
  }

  #moment(): Moment {
    const { link, watch, storeless } = this.line
    const { connected, activeAt } = link
    const { online, closed } = watch
    return { now: this.#time(), connected, activeAt, online, closed, storeless, latencyMs: this.#latencyMs }
  }

  /** The wall clock, which shows how long a process was frozen, but never back: one that is set back makes no call wait. */
  #time(): number {
    const wall = this.#clock.now()
    this.#aheadMs = Math.max(this.#aheadMs, this.#latestAt - wall)
    this.#latestAt = wall + this.#aheadMs
    return this.#latestAt
  }

  #wakeBy(at: number): void {
    if (at >= this.#wakeAt) return
    this.#cancelWake?.()
    this.#wakeAt = at
    this.#cancelWake = this.#clock.schedule(at - this.#time(), this.#wake)
  }

  readonly #wake = (): void => {
    // The timer is right, whatever the clock says.
    this.#latestAt = Math.max(this.#latestAt, this.#wakeAt)
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.tellAll({ type: 'wake' })
  }

  /** Nothing is under way: no timer, and the clock as it is. */
  #rest(): void {
    this.#cancelWake?.()
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#latestAt = this.#aheadMs = 0
  }
}

/** What takes its time. */
type Lasting = Extract<CallEffect, { type: 'invoke' | 'ask' | 'presign' | 'resend' | 'put' | 'get' }>
