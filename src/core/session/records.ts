import { BoundedMap } from '../base/bounded-map.js'
import type { Cancel, Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import type { Trace } from '../base/diagnostics.js'
import type { InvokeMessage } from '../wire/protocol.js'
import type { InvocationTiming } from './events.js'
import type { Arrival, Invocation } from './invocation.js'
import type { KeptOutcome } from './kept-answer.js'
import type { KeptStream } from './streaming/kept-stream.js'

interface Known {
  readonly id: string
  /** The stub. Messages about this id from any other stub are ignored. */
  readonly from: string
}

interface Timed extends Known {
  /** When this state ends by itself, in Unix milliseconds on this machine's clock. */
  readonly deadline: number
  /** Cancels the deadline's timer. Set by `Records`; the next state takes it over if it has the same deadline. */
  timer?: Cancel
}

interface Begun extends Timed {
  readonly arrival: Arrival
  readonly invocation: Invocation
  /** A reading of the emitter, for measuring the duration. */
  readonly startedAt: number
  /** Set if the tracing channels have subscribers. */
  readonly trace: Trace | undefined
  /** Filled in while it runs. */
  readonly timing: { -readonly [K in keyof InvocationTiming]: InvocationTiming[K] }
}

interface States {
  /** There is no record: no part of it has arrived, or it was forgotten. */
  unknown: Known
  /** Acknowledged but incomplete, with the arrival times of the first and the latest part. */
  arriving: Timed & { readonly firstAt: number; readonly lastAt: number }
  /** Complete, but possibly a recording: held until the stub answers the challenge. */
  challenged: Timed & {
    readonly message: InvokeMessage
    readonly arrivedAt: number
    /** 128 random bits: only a stub that receives the challenge can answer it. */
    readonly nonce: string
  }
  /** Acknowledged, while its event is read from the payload store; `reading` stops that. */
  fetching: Timed & { readonly arrival: Arrival; readonly reading: AbortController }
  /** Taken, or about to be, by local code, a listener or `next()`. */
  running: Begun & {
    /** Cancels the acknowledgement; set once it is due. */
    ack: Cancel | undefined
  }
  /** It has begun to stream its response. */
  streaming: Begun & { readonly answer: KeptStream }
  /** It has its outcome, kept until the stub has it or the deadline has passed. */
  answered: Timed & { readonly answer: KeptOutcome }
  /**
   * It must not run, or not again; remembered until then. There may be hundreds of thousands, so the record has no
   * other field.
   */
  over: { readonly until: number }
}

/** Where an invocation stands. */
export type State = keyof States
/** The record of an invocation in one of these states. */
export type In<S extends State> = { [Each in S]: States[Each] & { readonly state: Each } }[S]
/** Any record in the table that is not over. */
export type Open = In<Exclude<State, 'unknown' | 'over'>>

const MAX_ARRIVING = 10_000
const MAX_CHALLENGED_BYTES = 32 * 1024 * 1024
/** The cost of a challenged message besides its event and variables. */
const REST_BYTES = 4_096
/** How long an id is remembered after its deadline, so that a late duplicate runs nothing. */
const OVER_MS = 120_000
const SWEEP_EVERY_MS = 10_000

/** One record for each invocation that a message may still name. Only this class changes an invocation's state. */
export class Records {
  readonly #clock: Clock
  readonly #onDeadline: (record: Open) => void
  readonly #byId = new Map<string, Open | In<'over'>>()
  readonly #limits: { readonly [S in State]?: BoundedMap<string, Open> }
  /** Invocations that are acknowledged (or about to be) with an answer that has not left: `close()` waits for them. */
  readonly #promised = new Set<string>()
  #onKept: Deferred<void> | undefined
  #sweptAt: number

  /** @param maxAnswerBytes the limit on all answers together; beyond it the oldest are dropped */
  constructor(clock: Clock, maxAnswerBytes: number, onDeadline: (record: Open) => void) {
    this.#clock = clock
    this.#onDeadline = onDeadline
    const forget = ({ id }: Open) => this.forget(id)
    this.#limits = {
      arriving: new BoundedMap(MAX_ARRIVING, () => 1, forget),
      challenged: new BoundedMap(MAX_CHALLENGED_BYTES, bytesOf, forget),
      answered: new BoundedMap(maxAnswerBytes, bytesOf, (record) => {
        if (record.state === 'answered') record.answer.giveWay(maxAnswerBytes)
      }),
    }
    this.#sweptAt = clock.now()
  }

  get(id: string): Open | In<'over'> | undefined {
    return this.#byId.get(id)
  }

  /** The record of an invocation that has no outcome yet. */
  running(invocation: Invocation): In<'running'> | undefined {
    const record = this.#byId.get(invocation.id)
    return record?.state === 'running' && record.invocation === invocation ? record : undefined
  }

  /** All records that are not over. */
  open(): Open[] {
    return [...this.#byId.values()].filter((record) => record.state !== 'over')
  }

  /** Moves an invocation to its next state. */
  put<R extends Open>(record: R): R {
    const { id, deadline } = record
    const before = this.#leave(id)
    this.#byId.set(id, record)
    if (before?.timer !== undefined && before.deadline === deadline) {
      record.timer = before.timer
    } else {
      before?.timer?.()
      const onTimer = () => this.#onDeadline(this.#byId.get(id) as Open)
      // Setting the clock back after its arrival must not extend its time.
      const mostMs = 'arrival' in record ? record.arrival.message.remainingMs : Number.POSITIVE_INFINITY
      record.timer = this.#clock.schedule(Math.min(mostMs, deadline - this.#clock.now()), onTimer)
    }
    this.#limits[record.state]?.set(id, record)
    if (record.state === 'challenged') this.keep(id)
    else this.#promised.add(id)
    return record
  }

  /** Ends an invocation: it must not run, or not again, and only its id is kept. */
  end(id: string): void {
    const now = this.#clock.now()
    const before = this.#leave(id)
    before?.timer?.()
    this.#byId.set(id, { state: 'over', until: Math.max(now, before?.deadline ?? now) + OVER_MS })
    this.keep(id)
    this.#sweep(now)
  }

  /** Removes an invocation that has not run; it may arrive again. */
  forget(id: string): void {
    this.#leave(id)?.timer?.()
    this.#byId.delete(id)
    this.keep(id)
  }

  /** Keeps an answer promised until it has left. */
  async owe(id: string, leaving: Promise<void>): Promise<void> {
    this.#promised.add(id)
    await leaving
    this.keep(id)
  }

  /** Ends a promise: the answer has left, or the stub is not waiting. */
  keep(id: string): void {
    this.#promised.delete(id)
    if (this.idle) this.#onKept?.resolve()
  }

  /** Whether no promise is open. */
  get idle(): boolean {
    return this.#promised.size === 0
  }

  /** Resolves when no promise is open. */
  async kept(): Promise<void> {
    if (this.idle) return
    this.#onKept ??= deferred()
    await this.#onKept.promise
  }

  /** Cancels all timers. Stored answers stay for the stubs that fetch them. */
  close(): void {
    for (const { timer } of this.open()) timer?.()
  }

  /** Releases the resources of the present state. */
  #leave(id: string): Open | undefined {
    const record = this.#byId.get(id)
    if (record === undefined || record.state === 'over') return undefined
    this.#limits[record.state]?.delete(id)
    if (record.state === 'fetching') record.reading.abort()
    if (record.state === 'running') record.ack?.()
    if (record.state === 'answered') record.answer.drop()
    return record
  }

  #sweep(now: number): void {
    if (Math.abs(now - this.#sweptAt) < SWEEP_EVERY_MS) return
    this.#sweptAt = now
    for (const [id, record] of this.#byId) {
      if (record.state === 'over' && record.until < now) this.#byId.delete(id)
    }
  }
}

/** The cost of a record towards the limit of its state. */
function bytesOf(record: Open): number {
  if (record.state === 'answered') return record.answer.bytes
  if (record.state !== 'challenged') return 0
  const { event, env } = record.message
  return (event?.length ?? 0) + (env?.length ?? 0) + REST_BYTES
}
