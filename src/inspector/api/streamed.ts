import type { InvocationRecord, RecordedOutcome } from '../../recorder/record.js'
import type { RecordDataOutcome } from '../../recorder/record-data.js'
import type { Streams } from '../view/streams.js'

/** How a response was streamed, so far where it goes on. */
export interface StreamDetail {
  readonly contentType?: string | undefined
  /** Of the whole response. */
  readonly bytes: number
  /** Its beginning, up to 1 MiB, without secrets. Absent where `outcome` has it as JSON, and for what is no text. */
  readonly text?: string
  /** `atMs` is since the arrival. Of very many, the first 10,000. */
  readonly chunks: readonly { readonly atMs: number; readonly bytes: number }[]
}

/** The longest secret of which a part may have come. */
const LONGEST_SECRET = 4_096
const BREAK = /[\s"'`,;<>(){}[\]\u0080-\uffff]/

/**
 * What has come so far of a response that is being streamed, as the outcome that it may be. Without its last word, which may be a part of
 * a secret.
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

/** Bytes as text, without a last character that is not whole. Undefined where they are none. */
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
