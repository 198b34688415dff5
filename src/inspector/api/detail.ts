import type { InvocationContext } from '../../core/contracts/handler.js'
import type { InvocationRecord, RecordedLog } from '../../recorder/record.js'
import type { RecordData, RecordDataOutcome } from '../../recorder/record-data.js'
import type { InvocationHead } from '../view/head.js'
import { type Span, spansOf } from '../view/timing.js'
import type { InspectorParts } from './parts.js'
import { outcomeSoFar, type StreamDetail, streamOf } from './streamed.js'

/** An invocation, without its secrets. */
export interface InvocationDetail {
  readonly head: InvocationHead
  readonly context: InvocationContext
  /** Absent if it is not JSON. */
  readonly event?: unknown
  /** An event that is not JSON. */
  readonly eventBase64?: string | undefined
  /** JSON pointers into `event` to the masked values. */
  readonly eventPointers: readonly string[]
  readonly outcome?: RecordDataOutcome | undefined
  /** Present if the response is streamed. */
  readonly stream?: StreamDetail
  /** JSON pointers into `outcome` to the masked values. */
  readonly outcomePointers: readonly string[]
  /** `atMs` counts from the arrival. */
  readonly logs: readonly Pick<RecordedLog, 'atMs' | 'stream' | 'level' | 'text'>[]
  /** Number of lines that exceeded the room for them. */
  readonly droppedLogs: number
  readonly timing: readonly Span[]
  /** Names of environment variables. */
  readonly variables: readonly string[]
  /** Present if the hook of the recorder's redaction leaves the record out; nothing of it is shown then. */
  readonly leftOut?: true
}

/** @param reveal shows masked values, except the function's own secrets and credentials */
export function detailOf(
  record: InvocationRecord,
  { feed: { streams }, heads, redactor }: Pick<InspectorParts, 'feed' | 'heads' | 'redactor'>,
  reveal: boolean,
): InvocationDetail {
  const soFar = outcomeSoFar(record, streams)
  const whole = () => (reveal ? redactor.disclosed(record) : redactor.masked(record))
  const data = soFar === undefined ? whole() : redactor.ended(record, soFar, reveal)
  const head = heads.of(record)
  const timing = spansOf(record.timing, streams.of(record))
  if (data === undefined) {
    const { clientContext: _, identity: __, ...context } = record.context
    return { ...LEFT_OUT, head, context, timing, variables: record.variables }
  }
  const { context, logs, droppedLogs, variables } = data
  const stream = streamOf(record, streams, data.outcome)
  const outcome = record.outcome && data.outcome
  return {
    head,
    context,
    ...(data.eventBase64 === undefined ? { event: data.event } : { eventBase64: data.eventBase64 }),
    eventPointers: below(data, '/event'),
    ...(outcome && { outcome }),
    outcomePointers: below(data, '/outcome'),
    ...(stream && { stream }),
    logs: logs.map(({ atMs, stream, level, text }) => ({
      atMs: atMs - record.timing.receivedMs,
      stream,
      ...(level && { level }),
      text,
    })),
    droppedLogs,
    timing,
    variables,
  }
}

const LEFT_OUT = { eventPointers: [], outcomePointers: [], logs: [], droppedLogs: 0, leftOut: true } as const

function below({ redacted }: RecordData, start: string): string[] {
  return redacted.flatMap((pointer) =>
    pointer === start || pointer.startsWith(`${start}/`) ? [pointer.slice(start.length)] : [],
  )
}
