import type { LambdaError } from '../core/base/errors.js'
import type { LogLevel } from '../core/contracts/executor.js'
import type { InvocationContext } from '../core/contracts/handler.js'
import type { InvocationTiming, StreamSummary } from '../core/session/events.js'
import type { Mirrored } from '../core/wire/protocol.js'
import type { Trigger } from './trigger.js'

/** A line of local output. */
export interface RecordedLog {
  readonly stream: 'stdout' | 'stderr'
  /** Without its line break. */
  readonly text: string
  /** Unix milliseconds. */
  readonly time: number
  readonly level?: LogLevel | undefined
  /** Milliseconds since the session's `open()`. */
  readonly atMs: number
}

/** When what happened to an invocation, in milliseconds since the session's `open()`. */
export interface RecordedTiming extends InvocationTiming {
  readonly receivedMs: number
  /** When its acknowledgement left. Absent for one that was answered within 25 ms. */
  readonly ackedMs?: number | undefined
  readonly endedMs?: number | undefined
  /** When its outcome was handed to the broker. In memory alone: it is written before. */
  readonly sentMs?: number | undefined
  /** How long the function had when the invocation arrived, in milliseconds. */
  readonly limitMs: number
}

/** How an invocation ended. */
export type RecordedOutcome =
  /** Answered: the response's JSON, and parsed when first read. `value` is undefined where `body` is no JSON. */
  | { readonly kind: 'value'; readonly body: Uint8Array; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: LambdaError }
  | { readonly kind: 'declined'; readonly reason: string }

/** One invocation: what arrived, what local code wrote, and how it ended. */
export interface InvocationRecord {
  /** The invocation's id: 128 random bits. */
  readonly id: string
  readonly functionId: string
  /** The remote execution environment. */
  readonly environmentId: string
  /** When it arrived: ISO 8601, UTC. */
  readonly at: string
  readonly trigger: Trigger
  /** The event's JSON. In memory as it arrived; from a folder as it was written, which is without its secrets. */
  readonly eventBytes: Uint8Array
  /** The event, parsed when first read; undefined where `eventBytes` is no JSON. */
  readonly event: unknown
  readonly context: InvocationContext
  /** Names of the function's environment variables. Their values are never kept. */
  readonly variables: readonly string[]
  /** Whether an earlier session may have run it. */
  readonly rerun: boolean
  /** Whether the function itself answered, and this was a copy: `event` with the event, `metadata` without. */
  readonly mirrored: Mirrored | false
  /** Whether it was a replay. */
  readonly replayed: boolean
  readonly timing: RecordedTiming
  /** Absent while it runs, and where the session closed before it ended. Of a streamed response, the first 1 MiB. */
  readonly outcome?: RecordedOutcome | undefined
  /** How the response was streamed, if it was: its content type, its size, and when each part of it was written. */
  readonly stream?: StreamSummary | undefined
  readonly logs: readonly RecordedLog[]
  /** Lines that `logs` has no room for: it holds 1 MB of text. */
  readonly droppedLogs: number
  /**
   * What was redacted, as JSON pointers into this record: `/event/headers/authorization`, `/outcome/value/token`. Of a text
   * that holds JSON or a form the pointer is that of the text. Empty for records in memory.
   */
  readonly redacted: readonly string[]
}

type HeadOutcome = { readonly kind: 'value' | 'declined' } | Extract<RecordedOutcome, { kind: 'error' }>

/** What a list of records shows. */
export interface RecordHead {
  readonly id: string
  readonly functionId: string
  readonly environmentId: string
  /** The AWS request id: the same on each of Lambda's retries. */
  readonly requestId: string
  /** When it arrived: ISO 8601, UTC. */
  readonly at: string
  readonly trigger: Trigger
  readonly rerun: boolean
  readonly mirrored: Mirrored | false
  readonly replayed: boolean
  /** Absent while it runs, and where the session closed before it ended. */
  readonly outcome?: RecordedOutcome['kind'] | undefined
  /** Of a failure. */
  readonly errorType?: string | undefined
  /** From its arrival to its outcome, in milliseconds. */
  readonly durationMs?: number | undefined
  /** Bytes of the event's JSON. */
  readonly eventBytes: number
}

/**
 * The head of a record.
 * @param parts `trigger`, where it is known: a live record parses its event to tell it. `outcome`, as it may leave memory
 */
export function headOf(
  record: InvocationRecord,
  {
    trigger,
    outcome,
  }: Pick<InvocationRecord, 'trigger'> & { readonly outcome?: HeadOutcome | undefined } = record,
): RecordHead {
  const { id, functionId, environmentId, context, at, rerun, mirrored, replayed, timing } = record
  return {
    id,
    functionId,
    environmentId,
    requestId: context.awsRequestId,
    at,
    trigger,
    rerun,
    mirrored,
    replayed,
    outcome: outcome?.kind,
    errorType: outcome?.kind === 'error' ? outcome.error.errorType : undefined,
    durationMs: timing.endedMs === undefined ? undefined : timing.endedMs - timing.receivedMs,
    eventBytes: record.eventBytes.length,
  }
}
