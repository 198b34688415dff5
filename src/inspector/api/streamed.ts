import type { InvocationRecord, RecordedOutcome } from '../../recorder/record.js'
import type { RecordDataOutcome } from '../../recorder/record-data.js'
import type { Streams } from '../view/streams.js'

/** How a response was streamed, up to now if it goes on. */
export interface StreamDetail {
  readonly contentType?: string | undefined
  /** Bytes of the whole response. */
  readonly bytes: number
  /**
   * The response's beginning, up to 1 MiB, without secrets. Absent if `outcome` has it as JSON, and for bytes that are
   * not text.
   */
  readonly text?: string
  /** `atMs` counts from the arrival. At most the first 10,000. */
  readonly chunks: readonly { readonly atMs: number; readonly bytes: number }[]
}

/** The longest secret to withhold while only a part of it may have arrived. */
const LONGEST_SECRET = 4_096
const BREAK = /[\s"'`,;<>(){}[\]\u0080-\uffff]/

/**
 * Returns the received part of a streamed response as an outcome, without its last word: it may be a part of a secret.
 */
export function outcomeSoFar(record: InvocationRecord, streams: Streams): RecordedOutcome | undefined {
  const soFar = streams.bodyOf(record)
  const text = soFar && wholeWords(textOf(soFar) ?? '')
  return text ? { kind: 'value', body: Buffer.from(text), value: undefined } : undefined
}

/** @param shown its outcome, without secrets */
export function streamOf(
  record: InvocationRecord,
  streams: Streams,
  shown: RecordDataOutcome | undefined,
): StreamDetail | undefined {
  const stream = streams.of(record)
  if (stream === undefined) return undefined
  const { contentType, bytes, chunks } = stream
  const { receivedMs } = record.timing
  const text = shownText(shown, record.outcome === undefined)
  return {
    ...(contentType !== undefined && { contentType }),
    bytes,
    ...(text !== undefined && { text }),
    chunks: chunks.map((chunk) => ({ atMs: chunk.atMs - receivedMs, bytes: chunk.bytes })),
  }
}

function shownText(shown: RecordDataOutcome | undefined, isOpen: boolean): string | undefined {
  if (shown?.kind !== 'value') return undefined
  const { value, valueBase64 } = shown
  if (valueBase64 !== undefined) return textOf(Buffer.from(valueBase64, 'base64'))
  return isOpen ? JSON.stringify(value) : undefined
}

/** Decodes bytes as text, without an incomplete last character. Undefined if they are not text. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}

function wholeWords(text: string): string {
  let end = text.length
  while (end > 0 && text.length - end < LONGEST_SECRET && !BREAK.test(text[end - 1]!)) end--
  return text.slice(0, end)
}
