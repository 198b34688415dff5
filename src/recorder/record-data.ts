import type { LambdaError } from '../core/base/errors.js'
import { invalidOption, isObject, mustBe } from '../core/base/options.js'
import type { InvocationRecord, RecordedLog } from './record.js'
import type { RedactedBody, RedactedParts } from './redact/redact-record.js'

/** A record as plain JSON, without its secrets: what fixtures hold, and what a `hook` gets. */
export interface RecordData
  extends Omit<InvocationRecord, 'eventBytes' | 'event' | 'outcome' | 'logs' | 'redacted'> {
  /** The event; absent where it is no JSON. */
  event?: unknown
  /** An event that is no JSON, in base64. */
  eventBase64?: string | undefined
  outcome?: RecordDataOutcome | undefined
  logs: RecordedLog[]
  redacted: string[]
}

/** The outcome of a {@link RecordData}. */
export type RecordDataOutcome =
  | { kind: 'value'; value?: unknown /** A response that is no JSON. */; valueBase64?: string | undefined }
  | { kind: 'error'; error: LambdaError }
  | { kind: 'declined'; reason: string }

/**
 * A redaction of one's own, after the built-in one. It may change `event`, `eventBase64`, `context`, `outcome` and `logs`; what it returns
 * is written, and shown by an inspector, which may ask with a part of the logs. Undefined leaves the record out.
 */
export type RecordHook = (record: RecordData) => RecordData | undefined

/** A record with its redacted parts as plain JSON. */
export function dataOf(record: InvocationRecord, parts: RedactedParts): RecordData {
  const { id, functionId, environmentId, at, variables, rerun, mirrored, replayed, timing } = record
  const { stream, droppedLogs } = record
  const { trigger, context, event, outcome, logs, redacted } = parts
  return {
    id,
    functionId,
    environmentId,
    at,
    trigger,
    context,
    variables,
    rerun,
    mirrored,
    replayed,
    timing,
    ...(event.base64 === undefined ? { event: event.value } : { eventBase64: event.base64 }),
    ...(outcome && { outcome: outcome.kind === 'value' ? valueData(outcome.body) : outcome }),
    ...(stream && { stream }),
    logs: [...logs],
    droppedLogs,
    redacted: [...redacted],
  }
}

/** What a hook makes of a record's parts. @throws TetherError `INVALID_OPTION` for what is no record; what the hook throws */
export function hooked(
  hook: RecordHook,
  record: InvocationRecord,
  parts: RedactedParts,
): RedactedParts | undefined {
  const data: unknown = hook(dataOf(record, parts))
  if (data === undefined) return undefined
  mustBe(
    'a function that returns the record, or undefined to leave it out',
    isRecordData(data),
    'redact.hook',
    data,
  )
  const { event, eventBase64, context, outcome, logs, redacted } = data as RecordData
  return {
    trigger: parts.trigger,
    context,
    event: bodyOf(event, eventBase64),
    ...(outcome && {
      outcome:
        outcome.kind === 'value'
          ? { kind: 'value', body: bodyOf(outcome.value, outcome.valueBase64) }
          : outcome,
    }),
    logs,
    redacted,
  }
}

function valueData({ value, base64 }: RedactedBody): RecordDataOutcome {
  return base64 === undefined ? { kind: 'value', value } : { kind: 'value', valueBase64: base64 }
}

function bodyOf(value: unknown, base64: string | undefined): RedactedBody {
  if (base64 !== undefined) return { base64 }
  if (JSON.stringify(value) === undefined && value !== undefined)
    throw invalidOption('redact.hook', 'returned an event or a value that is no JSON')
  return { value: value ?? null }
}

function isRecordData(value: unknown): boolean {
  const { context, logs, redacted } = (isObject(value) ? value : {}) as Partial<RecordData>
  return isObject(context) && Array.isArray(logs) && Array.isArray(redacted)
}
