import { createHash } from 'node:crypto'
import { TetherError } from '../../core/base/errors.js'
import type { InvocationRecord, RecordHead } from '../record.js'
import { headOf } from '../record.js'
import type { RedactedBody, RedactedParts } from '../redact/redact-record.js'
import { valueEnd } from './json-slices.js'

/** The version of the format; docs/recordings.md describes it. Fields may be added to a version, and are ignored by older readers. */
const VERSION = 1
/** Larger bodies are files of their own. */
const MAX_INLINE_BYTES = 64 * 1024
const PREFIX = /^\{"tether":(\d+)/
const HEAD = `{"tether":${VERSION},"head":`

/** Where a large body lies: in `blobs`, by its hash. */
export interface BlobReference {
  readonly sha256: string
  readonly bytes: number
}

export interface WrittenBlob extends BlobReference {
  readonly body: Buffer
}

/** A record as a line of a recording, and the bodies that are too large for it. */
export function lineOf(
  record: InvocationRecord,
  parts: RedactedParts,
): { line: string; blobs: WrittenBlob[] } {
  const { timing, variables, stream, droppedLogs } = record
  const { context, outcome, logs, redacted } = parts
  const blobs: WrittenBlob[] = []
  const head: RecordHead = headOf(record, parts)
  let line = `${HEAD}${JSON.stringify(head)},"context":${JSON.stringify(context)}`
  line += `,"variables":${JSON.stringify(variables)},"timing":${JSON.stringify(timing)}`
  line += `,${bodyField('event', parts.event, blobs)}`
  if (outcome?.kind === 'value')
    line += `,"outcome":{"kind":"value",${bodyField('value', outcome.body, blobs)}}`
  else if (outcome !== undefined) line += `,"outcome":${JSON.stringify(outcome)}`
  if (stream !== undefined) line += `,"stream":${JSON.stringify(stream)}`
  line += `,"logs":${JSON.stringify(logs)},"droppedLogs":${droppedLogs},"redacted":${JSON.stringify(redacted)}}\n`
  return { line, blobs }
}

/**
 * The head of a line, without reading the rest.
 * @param begin the line, or as much of it as holds most heads
 * @returns undefined where the head is not within `begin`
 * @throws TetherError `UNSUPPORTED` for a later version
 */
export function headOfLine(begin: string): RecordHead | undefined {
  checkVersion(begin)
  if (!begin.startsWith(HEAD)) return undefined
  const end = valueEnd(begin, HEAD.length)
  return end === undefined ? undefined : (JSON.parse(begin.slice(HEAD.length, end)) as RecordHead)
}

/** @throws TetherError `UNSUPPORTED` for a line of a later version */
export function checkVersion(line: string): void {
  const version = PREFIX.exec(line)?.[1]
  if (version === undefined || Number(version) === VERSION) return
  throw new TetherError(
    'UNSUPPORTED',
    `A recording has format ${version}, and this version of lambda-tether reads format ${VERSION}. Install the version that wrote it, or a later one.`,
    { details: { version: Number(version), supported: VERSION } },
  )
}

function bodyField(name: string, { text, value, base64 }: RedactedBody, blobs: WrittenBlob[]): string {
  if (base64 !== undefined) return blobOr(name, 'Base64', base64, JSON.stringify(base64), blobs)
  const json = text === undefined ? JSON.stringify(value) : text
  // Between the tokens of JSON a line break is a space.
  return blobOr(name, '', json, /[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json, blobs)
}

function blobOr(name: string, kind: string, content: string, inline: string, blobs: WrittenBlob[]): string {
  // A character is three bytes of UTF-8 at most.
  if (content.length * 3 <= MAX_INLINE_BYTES || Buffer.byteLength(content) <= MAX_INLINE_BYTES)
    return `"${name}${kind}":${inline}`
  const body = Buffer.from(content, kind === 'Base64' ? 'base64' : 'utf8')
  const sha256 = createHash('sha256').update(body).digest('hex')
  blobs.push({ sha256, bytes: body.length, body })
  return `"${name}Blob":${JSON.stringify({ sha256, bytes: body.length } satisfies BlobReference)}`
}
