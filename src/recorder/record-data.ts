import type { LambdaError } from '../core/base/errors.js'
import { invalidOption, isObject, mustBe } from '../core/base/options.js'
import type { InvocationRecord, RecordedLog } from './record.js'
import type { RedactedBody, RedactedParts } from './redact/redact-record.js'

/** A record as plain JSON, without its secrets. Fixtures hold this form, and a `hook` receives it. */
export interface RecordData
  extends Omit<InvocationRecord, 'eventBytes' | 'event' | 'outcome' | 'logs' | 'redacted'> {
  /** The event; absent if it is not JSON. */
  event?: unknown
  /** The base64 of an event that is not JSON. */
  eventBase64?: string | undefined
  outcome?: RecordDataOutcome | undefined
  logs: RecordedLog[]
  redacted: string[]
}

/** The outcome of a {@link RecordData}. */
export type RecordDataOutcome =
  | { kind: 'value'; value?: unknown /** Not JSON: base64. */; valueBase64?: string | undefined }
  | { kind: 'error'; error: LambdaError }
  | { kind: 'declined'; reason: string }

/**
 * A redaction function of your own, called after the built-in redaction. It may change `event`, `eventBase64`,
 * `context`, `outcome` and `logs`; the returned record is written, and shown by an inspector, which may pass a part of
 * the logs. Return undefined to leave the record out.
 */
export type RecordHook = (record: RecordData) => RecordData | undefined

/** Combines a record and its redacted parts into plain JSON. */
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

/**
 * Applies a hook to a record's redacted parts.
 * @returns undefined if the hook leaves the record out
 * @throws TetherError `INVALID_OPTION` if the hook returns something other than a record; any error that the hook
 * throws
 */
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
