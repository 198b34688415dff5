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

/** What becomes of records. A recorder that does not write, or no longer, still keeps them in memory. */
export type RecorderStatus =
  /** All is well. `dropped` records were not written so far, because the disk was too slow. */
  | { readonly state: 'recording'; readonly dropped: number }
  /** The disk is slower than what arrives, and 32 MB of records wait for it: further ones are not written. */
  | { readonly state: 'dropping'; readonly dropped: number }
  /** This record is not written: redacting it failed. Nothing else is affected. */
  | { readonly state: 'skipped'; readonly id: string; readonly error: TetherError }
  /** Nothing more is written: the disk is full, say, or the folder cannot be used. */
  | { readonly state: 'stopped'; readonly error: TetherError }
  | { readonly state: 'closed' }

/** The events of a recorder. A listener that throws disturbs nothing: its error becomes a warning of the process. */
export interface RecorderEvents {
  /** An invocation has ended, or the recorder closed before: the record is complete. */
  record: (record: InvocationRecord) => void
  /** What becomes of records has changed. Where nobody listens, failures are warnings of the process. */
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
  /** Those of invocations that this recorder has seen, also those that the history no longer has. */
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

  /** Redacts its records for who looks at them. @internal */
  static redactorOf(recorder: Recorder): Redactor {
    return recorder.#redactor
  }

  /** What becomes of records now; each change is a `status` event. */
  get status(): RecorderStatus {
    return this.#status
  }

  /** The records in memory, in the order of arrival, as they came. Those of invocations that run are among them. */
  records(): readonly InvocationRecord[] {
    return [...this.#history.values()]
  }

  /** The heads of the records in memory, in the order of arrival. */
  heads(): readonly RecordHead[] {
    return [...this.#history.values()].map((each) => headOf(each))
  }

  /** A record in memory, by its invocation's id. */
  get(id: string): InvocationRecord | undefined {
    checkText('id', id)
    return this.#history.get(id)
  }

  /** Adds a listener of an event; see {@link RecorderEvents}. @throws TetherError `INVALID_OPTION` for a name that is none */
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

  /** Resolves when the records of all invocations that have ended are written, or nothing is written any more. Never rejects. */
  async flush(): Promise<void> {
    await this.#journal?.flush()
  }

  /**
   * Records no more. Those of invocations that still run are written without an outcome. Resolves when everything is written;
   * never rejects. Idempotent, and called when the session closes. The records in memory stay.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** `close()`, for `await using`. */
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

  // Another listener may have answered before this one hears of the invocation; and one whose event could not be read is
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
    // What stopped it is what a user has to know.
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
 * Records a session's invocations: events, responses, failures and local output. In memory as they came, and where a folder is
 * named, without their secrets on disk. Begin before `session.open()`. It only listens: nothing that runs waits for it.
 * @throws TetherError `INVALID_OPTION`. What the disk refuses is a `status` event
 */
export function record(session: Session, options: RecordOptions = {}): Recorder {
  return new Recorder(session, options)
}
