import { resolve } from 'node:path'
import { EventEmitter } from 'eventemitter3'
import { type Clock, systemClock } from '../core/base/clock.js'
import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import { checkText, withMethods } from '../core/base/option-checks.js'
import type { EventTime, InvocationTiming, LogEvent, SessionEvents } from '../core/session/events.js'
import type { Invocation } from '../core/session/invocation.js'
import type { Session } from '../core/session/session.js'
import { Journal } from './disk/journal.js'
import { History } from './history.js'
import { type Ended, LiveRecord, RecordedValue } from './live-record.js'
import { checkRecordOptions, DEFAULT_KEEP, type RecordOptions } from './options.js'
import { headOf, type InvocationRecord, type RecordedOutcome, type RecordHead } from './record.js'
import { Redactor } from './redact/redactor.js'
import { RuleBook } from './redact/rules.js'

/** The state of a recorder. Records stay in memory in every state, even when none are written. */
export type RecorderStatus =
  /** The normal state. `dropped` counts the records not written so far because the disk was too slow. */
  | { readonly state: 'recording'; readonly dropped: number }
  /** The disk is too slow: 32 MB of records wait to be written, and further records are dropped. */
  | { readonly state: 'dropping'; readonly dropped: number }
  /** This record is not written because redacting it failed. Other records are not affected. */
  | { readonly state: 'skipped'; readonly id: string; readonly error: TetherError }
  /** No more records are written, for example because the disk is full or the folder cannot be used. */
  | { readonly state: 'stopped'; readonly error: TetherError }
  | { readonly state: 'closed' }

/** The events of a recorder. An error thrown by a listener becomes a process warning and affects nothing else. */
export interface RecorderEvents {
  /** A record is complete: its invocation ended, or the recorder closed first. */
  record: (record: InvocationRecord) => void
  /** The status changed. Without a listener, failures become process warnings. */
  status: (status: RecorderStatus) => void
}

const EVENTS: readonly string[] = ['record', 'status'] satisfies (keyof RecorderEvents)[]

/** The history of a session's invocations. Made by {@link record}. */
export class Recorder implements AsyncDisposable {
  readonly #session: Session
  readonly #clock: Clock
  readonly #functions: ReadonlySet<string> | undefined
  readonly #history: History
  readonly #journal: Journal | undefined
  readonly #redactor: Redactor
  /** Records of all invocations seen, including invocations already removed from the history. */
  readonly #seen = new WeakMap<Invocation, LiveRecord>()
  readonly #running = new Map<string, LiveRecord>()
  readonly #emitter = new EventEmitter<Record<string, (...args: unknown[]) => void>>()
  readonly #listeners: Partial<SessionEvents>
  #status: RecorderStatus = { state: 'recording', dropped: 0 }
  #dropped = 0
  #closing: Promise<void> | undefined

  /** Made by {@link record}. @throws TetherError `INVALID_OPTION` */
  constructor(session: Session, options: RecordOptions) {
    withMethods('a session', 'on', 'off', 'next')('session', session)
    const { folder, keep = {}, redact = {}, functions, clock = systemClock } = checkRecordOptions(options)
    const limits = { ...DEFAULT_KEEP, ...defined(keep) }
    this.#session = session
    this.#clock = clock
    this.#functions = functions && new Set(functions)
    this.#history = new History(limits.count, limits.bytes)
    const { hook, ...rules } = redact
    this.#redactor = new Redactor(rules, hook)
    if (folder !== undefined)
      this.#journal = new Journal({
        folder: resolve(folder),
        keep: limits,
        rules: new RuleBook(rules),
        hook,
        clock,
        events: {
          dropped: () => this.#drop(),
          caughtUp: () => this.#become({ state: 'recording', dropped: this.#dropped }),
          skipped: (record, error) => this.#skip(record, error),
          stopped: (error) => this.#become({ state: 'stopped', error }),
        },
      })
    this.#listeners = {
      invoke: (invocation, at) => void this.#recordOf(invocation, at.atMs),
      ack: (invocation, at) => this.#acked(invocation, at),
      respond: (invocation, { body, durationMs, timing, atMs, stream }) =>
        this.#end(invocation, new RecordedValue(body), { atMs, stream }, durationMs, timing),
      fail: (invocation, { error, durationMs, timing, atMs, stream }) =>
        this.#end(invocation, { kind: 'error', error }, { atMs, stream }, durationMs, timing),
      sent: (invocation, at) => this.#sent(invocation, at),
      decline: (invocation, { reason, atMs }) =>
        this.#end(invocation, { kind: 'declined', reason }, { atMs }, 0),
      log: (entry) => this.#log(entry),
      close: () => void this.close(),
    }
    for (const [name, listener] of Object.entries(this.#listeners))
      session.on(name as keyof SessionEvents, listener as never)
  }

  /** Returns the redactor for displaying a recorder's records. @internal */
  static redactorOf(recorder: Recorder): Redactor {
    return recorder.#redactor
  }

  /** The current state; each change is a `status` event. */
  get status(): RecorderStatus {
    return this.#status
  }

  /** The unredacted records in memory, in order of arrival, including running invocations. */
  records(): readonly InvocationRecord[] {
    return [...this.#history.values()]
  }

  /** The heads of the records in memory, in order of arrival. */
  heads(): readonly RecordHead[] {
    return [...this.#history.values()].map((each) => headOf(each))
  }

  /** Returns a record in memory by its invocation's id. */
  get(id: string): InvocationRecord | undefined {
    checkText('id', id)
    return this.#history.get(id)
  }

  /**
   * Adds a listener of an event; see {@link RecorderEvents}.
   * @throws TetherError `INVALID_OPTION` for an unknown event
   */
  on<K extends keyof RecorderEvents>(event: K, listener: RecorderEvents[K]): this {
    if (EVENTS.includes(event) && typeof listener === 'function') {
      this.#emitter.on(event, listener as (...args: unknown[]) => void)
      return this
    }
    throw new TetherError(
      'INVALID_OPTION',
      `A recorder has the events ${EVENTS.join(' and ')}, and takes a function as listener.`,
    )
  }

  /** Removes a listener. */
  off<K extends keyof RecorderEvents>(event: K, listener: RecorderEvents[K]): this {
    this.#emitter.off(event, listener as (...args: unknown[]) => void)
    return this
  }

  /**
   * Resolves when the records of all ended invocations are written, or when the recorder has stopped writing. Never
   * rejects.
   */
  async flush(): Promise<void> {
    await this.#journal?.flush()
  }

  /**
   * Stops recording. Invocations that are still running are written without an outcome. Resolves when everything is
   * written; never rejects. Idempotent, and called when the session closes. The records stay in memory.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Calls `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    for (const [name, listener] of Object.entries(this.#listeners))
      this.#session.off(name as keyof SessionEvents, listener as never)
    for (const record of [...this.#running.values()]) this.#complete(record)
    await this.#journal?.close()
    this.#become({ state: 'closed' })
  }

  // Another listener may answer before this listener sees the invocation; and an invocation with an unreadable event is
  // never offered to listeners.
  #recordOf(invocation: Invocation, receivedMs: number): LiveRecord | undefined {
    const seen = this.#seen.get(invocation)
    if (seen !== undefined || this.#functions?.has(invocation.functionId) === false) return seen
    const record = new LiveRecord(invocation, receivedMs, this.#clock.now())
    this.#seen.set(invocation, record)
    this.#running.set(record.id, record)
    this.#history.add(record)
    return record
  }

  #acked(invocation: Invocation, at: EventTime): void {
    const record = this.#recordOf(invocation, at.atMs)
    if (record !== undefined) LiveRecord.acked(record, at)
  }

  #sent(invocation: Invocation, at: EventTime): void {
    const record = this.#seen.get(invocation)
    if (record !== undefined) LiveRecord.sent(record, at)
  }

  #log(entry: LogEvent): void {
    const record = this.#running.get(entry.invocationId) ?? this.#history.get(entry.invocationId)
    if (record !== undefined) this.#history.change(record, () => LiveRecord.logged(record, entry))
  }

  #end(
    invocation: Invocation,
    outcome: RecordedOutcome,
    at: Ended,
    durationMs: number,
    phases?: InvocationTiming,
  ): void {
    const record = this.#recordOf(invocation, at.atMs - durationMs)
    if (record === undefined || LiveRecord.isEnded(record)) return
    this.#history.change(record, () => LiveRecord.ended(record, at, outcome, phases))
    this.#complete(record)
  }

  #complete(record: LiveRecord): void {
    this.#running.delete(record.id)
    this.#journal?.add(record)
    this.#emit('record', record)
  }

  #drop(): void {
    this.#dropped++
    if (this.#status.state !== 'dropping') this.#become({ state: 'dropping', dropped: this.#dropped })
  }

  #skip({ id }: InvocationRecord, cause: unknown): void {
    const problem = cause instanceof Error ? cause.message : String(cause)
    const text = `The record of invocation ${id} is not written: redacting it failed: ${problem}.`
    this.#tell({ state: 'skipped', id, error: new TetherError('STORE_FAILED', text, { cause }) })
  }

  #become(status: RecorderStatus): void {
    // A final state stays: it tells the user the cause.
    if (this.#status.state === 'stopped' || this.#status.state === 'closed') return
    this.#status = status
    this.#tell(status)
  }

  #tell(status: RecorderStatus): void {
    if (this.#emitter.listenerCount('status') > 0) return this.#emit('status', status)
    if ('error' in status) process.emitWarning(status.error.message, 'LambdaTetherRecorderWarning')
  }

  #emit<K extends keyof RecorderEvents>(event: K, ...args: Parameters<RecorderEvents[K]>): void {
    for (const listener of this.#emitter.listeners(event)) {
      try {
        listener(...args)
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error), 'LambdaTetherListenerWarning')
      }
    }
  }
}

/**
 * Records a session's invocations: events, responses, failures and local output. Records stay in memory unredacted;
 * with `folder`, they are also written there without their secrets. Call this before `session.open()`. A recorder only
 * listens: it never delays an invocation.
 * @throws TetherError `INVALID_OPTION`. Errors of the disk are `status` events
 */
export function record(session: Session, options: RecordOptions = {}): Recorder {
  return new Recorder(session, options)
}
