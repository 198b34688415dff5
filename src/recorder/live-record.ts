import type { LambdaError } from '../core/base/errors.js'
import type { EventTime, InvocationTiming, LogEvent, StreamSummary } from '../core/session/events.js'
import type { Invocation } from '../core/session/invocation.js'
import { Body, compact, parseBody } from './body.js'
import type { InvocationRecord, RecordedLog, RecordedOutcome, RecordedTiming } from './record.js'
import { type Trigger, triggerOf } from './trigger.js'

/** Bytes counted per record besides its bodies and lines: the context, the names and the objects themselves. */
const REST_BYTES = 2_048
/** Bytes counted per line besides its text. */
const LINE_BYTES = 100
/** Bytes counted per chunk of a stream, for its size and time. */
const CHUNK_BYTES = 50
const MAX_LOG_BYTES = 1024 * 1024
const NO_LOGS: readonly RecordedLog[] = []

/** When an invocation ended, and how its response was streamed, if it was. */
export interface Ended extends EventTime {
  readonly stream?: StreamSummary | undefined
}

/** The unredacted record of an invocation of this session. */
export class LiveRecord implements InvocationRecord {
  readonly id: string
  readonly functionId: string
  readonly environmentId: string
  readonly at: string
  readonly context: InvocationRecord['context']
  readonly rerun: boolean
  readonly mirrored: InvocationRecord['mirrored']
  readonly replayed: boolean
  readonly redacted: readonly string[] = []
  readonly #event: Body
  readonly #variables: Readonly<Record<string, string>>
  #timing: RecordedTiming
  #outcome: RecordedOutcome | undefined
  #stream: StreamSummary | undefined
  #logs: RecordedLog[] | undefined
  #logBytes = 0
  #droppedLogs = 0
  #trigger: Trigger | undefined
  #bytes: number

  /** @param now the time of arrival, in Unix milliseconds */
  constructor(invocation: Invocation, receivedMs: number, now: number) {
    const { id, functionId, environmentId, context, rerun, mirrored, replayed, env, deadline, eventBytes } =
      invocation
    this.id = id
    this.functionId = functionId
    this.environmentId = environmentId
    this.at = new Date(now).toISOString()
    this.context = context
    this.rerun = rerun
    this.mirrored = mirrored
    this.replayed = replayed
    this.#event = new Body(compact(eventBytes))
    this.#variables = env
    this.#timing = { receivedMs, limitMs: Math.max(0, deadline - now) }
    this.#bytes = REST_BYTES + eventBytes.length
  }

  /** The environment variables. Their values must not leave memory. */
  static variablesOf(record: InvocationRecord): Readonly<Record<string, string>> {
    return #variables in record ? record.#variables : {}
  }

  static isEnded(record: LiveRecord): boolean {
    return record.#timing.endedMs !== undefined
  }

  /** The approximate memory that a record takes, in bytes. */
  static bytesOf(record: LiveRecord): number {
    return record.#bytes
  }

  static acked(record: LiveRecord, { atMs: ackedMs }: EventTime): void {
    record.#timing = { ...record.#timing, ackedMs }
  }

  static sent(record: LiveRecord, { atMs: sentMs }: EventTime): void {
    record.#timing = { ...record.#timing, sentMs }
  }

  static ended(
    record: LiveRecord,
    { atMs: endedMs, stream }: Ended,
    outcome: RecordedOutcome | undefined,
    phases?: InvocationTiming,
  ): void {
    record.#timing = { ...record.#timing, ...phases, endedMs }
    record.#outcome = outcome
    if (outcome !== undefined) record.#bytes += outcomeBytes(outcome)
    record.#stream = stream
    record.#bytes += (stream?.chunks.length ?? 0) * CHUNK_BYTES
  }

  static logged(record: LiveRecord, { stream, text, time, level, atMs }: LogEvent): void {
    const bytes = text.length + LINE_BYTES
    if (record.#logBytes + bytes > MAX_LOG_BYTES) {
      record.#droppedLogs++
      return
    }
    record.#logBytes += bytes
    record.#bytes += bytes
    record.#logs ??= []
    record.#logs.push({ stream, text, time, ...(level !== undefined && { level }), atMs })
  }

  get eventBytes(): Uint8Array {
    return this.#event.bytes
  }

  get event(): unknown {
    return this.#event.value
  }

  // Does not cache the parsed event: most records are never looked at.
  get trigger(): Trigger {
    this.#trigger ??= triggerOf(parseBody(this.eventBytes)?.value)
    return this.#trigger
  }

  get variables(): readonly string[] {
    return Object.keys(this.#variables)
  }

  get timing(): RecordedTiming {
    return this.#timing
  }

  get outcome(): RecordedOutcome | undefined {
    return this.#outcome
  }

  get stream(): StreamSummary | undefined {
    return this.#stream
  }

  get logs(): readonly RecordedLog[] {
    return this.#logs ?? NO_LOGS
  }

  get droppedLogs(): number {
    return this.#droppedLogs
  }
}

function outcomeBytes(outcome: RecordedOutcome): number {
  if (outcome.kind === 'value') return outcome.body.length
  return outcome.kind === 'error' ? errorBytes(outcome.error) : 0
}

function errorBytes({ errorMessage, trace, cause }: LambdaError): number {
  const own = trace.reduce((sum, line) => sum + line.length, errorMessage.length)
  return cause === undefined ? own : own + errorBytes(cause)
}

/** A response, parsed on first use. */
export class RecordedValue {
  readonly kind = 'value'
  readonly #body: Body

  constructor(body: Uint8Array) {
    this.#body = new Body(compact(body))
  }

  get body(): Uint8Array {
    return this.#body.bytes
  }

  get value(): unknown {
    return this.#body.value
  }
}
