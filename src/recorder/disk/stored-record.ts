import type { StreamSummary } from '../../core/session/events.js'
import { Body } from '../body.js'
import { RecordedValue } from '../live-record.js'
import type { InvocationRecord, RecordedOutcome, RecordHead } from '../record.js'
import { readBlob } from './blobs.js'
import { type BlobReference, checkVersion } from './format.js'
import { sliceFields } from './json-slices.js'

type Fields = ReadonlyMap<string, string>

/**
 * Reads a line of a recording and the bodies it refers to.
 * @returns undefined for a partial line
 * @throws TetherError `UNSUPPORTED` for a later version, `STORE_FAILED` if a body is missing
 */
export async function readLine(folder: string, line: string): Promise<InvocationRecord | undefined> {
  if (!line.startsWith('{')) return undefined
  checkVersion(line)
  const fields = sliceFields(line)
  if (fields === undefined || !fields.has('head')) return undefined
  const event = (await bodyOf(folder, fields, 'event')) ?? new Uint8Array()
  return new StoredRecord(fields, event, await outcomeOf(folder, fields.get('outcome')))
}

/** A record read from a folder. */
class StoredRecord implements InvocationRecord {
  readonly id: string
  readonly functionId: string
  readonly environmentId: string
  readonly at: string
  readonly trigger: InvocationRecord['trigger']
  readonly rerun: boolean
  readonly mirrored: InvocationRecord['mirrored']
  readonly replayed: boolean
  readonly context: InvocationRecord['context']
  readonly variables: readonly string[]
  readonly timing: InvocationRecord['timing']
  readonly outcome?: RecordedOutcome
  readonly stream?: StreamSummary
  readonly logs: InvocationRecord['logs']
  readonly droppedLogs: number
  readonly redacted: readonly string[]
  readonly #event: Body

  constructor(fields: Fields, event: Uint8Array, outcome: RecordedOutcome | undefined) {
    const head = field<RecordHead>(fields, 'head')
    this.id = head.id
    this.functionId = head.functionId
    this.environmentId = head.environmentId
    this.at = head.at
    this.trigger = head.trigger
    this.rerun = head.rerun
    this.mirrored = head.mirrored
    this.replayed = head.replayed
    this.context = field(fields, 'context')
    this.variables = field(fields, 'variables')
    this.timing = field(fields, 'timing')
    if (outcome !== undefined) this.outcome = outcome
    if (fields.has('stream')) this.stream = field(fields, 'stream')
    this.logs = field(fields, 'logs')
    this.droppedLogs = field(fields, 'droppedLogs')
    this.redacted = field(fields, 'redacted')
    this.#event = new Body(event)
  }

  get eventBytes(): Uint8Array {
    return this.#event.bytes
  }

  get event(): unknown {
    return this.#event.value
  }
}

async function outcomeOf(folder: string, text: string | undefined): Promise<RecordedOutcome | undefined> {
  const fields = text === undefined ? undefined : sliceFields(text)
  if (fields === undefined) return undefined
  if (field(fields, 'kind') !== 'value') return JSON.parse(text!) as RecordedOutcome
  return new RecordedValue((await bodyOf(folder, fields, 'value')) ?? new Uint8Array())
}

/** Returns the bytes of a body from any of its three forms: inline JSON, base64, or a separate file. */
async function bodyOf(folder: string, fields: Fields, name: string): Promise<Uint8Array | undefined> {
  const inline = fields.get(name)
  if (inline !== undefined) return Buffer.from(inline)
  const base64 = fields.get(`${name}Base64`)
  if (base64 !== undefined) return Buffer.from(JSON.parse(base64) as string, 'base64')
  const blob = fields.get(`${name}Blob`)
  return blob === undefined ? undefined : readBlob(folder, JSON.parse(blob) as BlobReference)
}

function field<T>(fields: Fields, name: string): T {
  return JSON.parse(fields.get(name) ?? 'null') as T
}
