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

/** The times of an invocation's events, in milliseconds since the session's `open()`. */
export interface RecordedTiming extends InvocationTiming {
  readonly receivedMs: number
  /** When the acknowledgement left. Absent if the outcome came within 25 ms. */
  readonly ackedMs?: number | undefined
  readonly endedMs?: number | undefined
  /** When the outcome was handed to the broker. Only in memory: a record is written before that. */
  readonly sentMs?: number | undefined
  /** The time that the function had left when the invocation arrived, in milliseconds. */
  readonly limitMs: number
}

/** How an invocation ended. */
export type RecordedOutcome =
  /** The response's JSON. `value` is parsed on first use, and undefined if `body` is not JSON. */
  | { readonly kind: 'value'; readonly body: Uint8Array; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: LambdaError }
  | { readonly kind: 'declined'; readonly reason: string }

/** One invocation: its request, the output of local code, and its outcome. */
export interface InvocationRecord {
  /** The invocation's id: 128 random bits. */
  readonly id: string
  readonly functionId: string
  /** The remote execution environment. */
  readonly environmentId: string
  /** When it arrived: ISO 8601, UTC. */
  readonly at: string
  readonly trigger: Trigger
  /** The event's JSON: as it arrived for a record in memory, without its secrets for a record from a folder. */
  readonly eventBytes: Uint8Array
  /** The event, parsed on first use; undefined if `eventBytes` is not JSON. */
  readonly event: unknown
  readonly context: InvocationContext
  /** Names of the function's environment variables. Their values are never kept. */
  readonly variables: readonly string[]
  /** Whether an earlier session may have run the invocation. */
  readonly rerun: boolean
  /**
   * Whether the function itself answered and this session received a copy: `event` with the event, `metadata` without
   * it.
   */
  readonly mirrored: Mirrored | false
  /** Whether the invocation was a replay. */
  readonly replayed: boolean
  readonly timing: RecordedTiming
  /** Absent while the invocation runs, and if the session closed first. For a streamed response, its first 1 MiB. */
  readonly outcome?: RecordedOutcome | undefined
  /** How the response was streamed, if it was: its content type, its size, and the time of each part. */
  readonly stream?: StreamSummary | undefined
  readonly logs: readonly RecordedLog[]
  /** Number of lines left out of `logs`, which holds 1 MB of text. */
  readonly droppedLogs: number
  /**
   * Redacted places, as JSON pointers into this record: `/event/headers/authorization`, `/outcome/value/token`. A
   * secret within a text (JSON or a form, say) has the pointer of the whole text. Empty for records in memory.
   */
  readonly redacted: readonly string[]
}

type HeadOutcome = { readonly kind: 'value' | 'declined' } | Extract<RecordedOutcome, { kind: 'error' }>

/** A summary of a record, for lists. */
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
  /** Absent while the invocation runs, and if the session closed first. */
  readonly outcome?: RecordedOutcome['kind'] | undefined
  /** The type of the error, if the invocation failed. */
  readonly errorType?: string | undefined
  /** From arrival to outcome, in milliseconds. */
  readonly durationMs?: number | undefined
  /** The size of the event's JSON, in bytes. */
  readonly eventBytes: number
}

/**
 * Returns the head of a record.
 * @param parts `trigger`, if known: a live record would parse its event to find it. `outcome`, as it may leave memory
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
