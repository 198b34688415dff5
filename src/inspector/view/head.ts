import { printable } from '../../core/base/printable.js'
import { asRecord } from '../../core/contracts/http-event.js'
import type { Mirrored } from '../../core/wire/protocol.js'
import { parseBody } from '../../recorder/body.js'
import type { InvocationRecord } from '../../recorder/record.js'
import { headOf } from '../../recorder/record.js'
import type { Redactor } from '../../recorder/redact/redactor.js'
import { type Trigger, triggerOf } from '../../recorder/trigger.js'
import type { Streams } from './streams.js'
import { titleOf } from './title.js'

/** The fields of an invocation in a list. */
export interface InvocationHead {
  readonly id: string
  readonly functionId: string
  readonly requestId: string
  readonly trigger: Trigger
  /** Method and path of an HTTP request, else the name of the event's source. */
  readonly title: string
  /** When it arrived: ISO 8601, UTC. */
  readonly at: string
  readonly state: 'running' | 'value' | 'error' | 'declined'
  /** The `statusCode` of an answer that has one. */
  readonly status?: number | undefined
  readonly errorType?: string | undefined
  readonly durationMs?: number | undefined
  readonly mirrored: Mirrored | false
  readonly rerun: boolean
  readonly replayed: boolean
  /** Bytes of the event's JSON. */
  readonly eventBytes: number
  /** Bytes of a streamed response, up to now if it goes on. */
  readonly streamedBytes?: number | undefined
}

/** The part of a head that is known at the arrival and has to be read from the event. */
interface Arrived {
  readonly trigger: Trigger
  readonly title: string
}

const MAX_CHARACTERS = 200
/** Limits the text of a title before redaction: it may have the megabytes of its event. */
const MOST_REDACTED = 4_000

/** Derives heads from records, and parses each event once. */
export class Heads {
  readonly #redactor: Redactor
  readonly #streams: Streams
  readonly #arrived = new WeakMap<InvocationRecord, Arrived>()
  readonly #statuses = new WeakMap<object, { readonly of: number | undefined }>()

  constructor(redactor: Redactor, streams: Streams) {
    this.#redactor = redactor
    this.#streams = streams
  }

  of(record: InvocationRecord): InvocationHead {
    const { trigger, title } = this.#arrivedOf(record)
    const { outcome: state = 'running', ...head } = headOf(record, { trigger, outcome: record.outcome })
    const { id, functionId, requestId, at, durationMs, mirrored, rerun, replayed, eventBytes } = head
    const errorType = head.errorType && this.#shown(record, head.errorType)
    const status = this.#statusOf(record)
    const arrived = { id, functionId, requestId, trigger, title, at }
    const streamedBytes = this.#streams.of(record)?.bytes
    const is = { mirrored, rerun, replayed }
    return { ...arrived, state, status, errorType, durationMs, ...is, eventBytes, streamedBytes }
  }

  #statusOf({ outcome }: InvocationRecord): number | undefined {
    if (outcome?.kind !== 'value') return undefined
    const known = this.#statuses.get(outcome)
    if (known !== undefined) return known.of
    const of = statusOf(outcome.body)
    this.#statuses.set(outcome, { of })
    return of
  }

  // Redacts before cutting: a part of a secret would not be recognised.
  #shown(record: InvocationRecord, text: string): string {
    return printable(this.#redactor.text(record, text.slice(0, MOST_REDACTED)), MAX_CHARACTERS)
  }

  #arrivedOf(record: InvocationRecord): Arrived {
    const known = this.#arrived.get(record)
    if (known !== undefined) return known
    // A live record would parse its event once more to tell its trigger.
    const event = parseBody(record.eventBytes)?.value
    const trigger = triggerOf(event)
    const arrived = { trigger, title: this.#shown(record, titleOf(event, trigger)) }
    this.#arrived.set(record, arrived)
    return arrived
  }
}

const STATUS = '"statusCode"'
/** The form that frameworks write. */
const STATUS_FIRST = /^\{"statusCode":(\d{3})[,}]/

/**
 * Reads the `statusCode` of an answer. Parses only bodies that may have it further down, since the page shows this for
 * every answer.
 */
function statusOf(body: Uint8Array): number | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  const [, first] = STATUS_FIRST.exec(bytes.toString('latin1', 0, STATUS.length + 6)) ?? []
  if (first !== undefined) return Number(first)
  if (!bytes.includes(STATUS)) return undefined
  const { statusCode } = asRecord(parseBody(body)?.value)
  return typeof statusCode === 'number' ? statusCode : undefined
}
