import { createHash } from 'node:crypto'
import { TetherError } from '../../core/base/errors.js'
import type { InvocationRecord, RecordHead } from '../record.js'
import { headOf } from '../record.js'
import type { RedactedBody, RedactedParts } from '../redact/redact-record.js'
import { valueEnd } from './json-slices.js'

/** The version of the format; docs/recordings.md describes it. A version may gain fields; older readers ignore them. */
const VERSION = 1
/** Larger bodies are written to separate files. */
const MAX_INLINE_BYTES = 64 * 1024
const PREFIX = /^\{"tether":(\d+)/
const HEAD = `{"tether":${VERSION},"head":`

/** A reference to a large body in `blobs`, by its hash. */
export interface BlobReference {
  readonly sha256: string
  readonly bytes: number
}

export interface WrittenBlob extends BlobReference {
  readonly body: Buffer
}

/** Returns a record as a line of a recording, and the bodies that are too large for the line. */
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
 * Reads the head of a line without parsing the rest.
 * @param begin the line, or enough of its beginning for most heads
 * @returns undefined if the head does not end within `begin`
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
  // A line break between the tokens of JSON can be a space.
  return blobOr(name, '', json, /[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json, blobs)
}

function blobOr(name: string, kind: string, content: string, inline: string, blobs: WrittenBlob[]): string {
  // A character takes at most three bytes in UTF-8.
  if (content.length * 3 <= MAX_INLINE_BYTES || Buffer.byteLength(content) <= MAX_INLINE_BYTES)
    return `"${name}${kind}":${inline}`
  const body = Buffer.from(content, kind === 'Base64' ? 'base64' : 'utf8')
  const sha256 = createHash('sha256').update(body).digest('hex')
  blobs.push({ sha256, bytes: body.length, body })
  return `"${name}Blob":${JSON.stringify({ sha256, bytes: body.length } satisfies BlobReference)}`
}
