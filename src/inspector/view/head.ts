import { asRecord } from '../../core/contracts/http-event.js'
import type { Mirrored } from '../../core/wire/protocol.js'
import { parseBody } from '../../recorder/body.js'
import type { InvocationRecord } from '../../recorder/record.js'
import { headOf } from '../../recorder/record.js'
import type { Redactor } from '../../recorder/redact/redactor.js'
import type { Trigger } from '../../recorder/trigger.js'
import { titleOf } from './title.js'

/** What a list of invocations shows. */
export interface InvocationHead {
  readonly id: string
  readonly functionId: string
  readonly requestId: string
  readonly trigger: Trigger
  /** Method and path of an HTTP request, else the name of what sent the event. */
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
}

/** What of a head is known as soon as the invocation has arrived, and costs a look at its event. */
interface Arrived {
  readonly trigger: Trigger
  readonly title: string
}

/** Makes heads of records, and looks at each event once. */
export class Heads {
  readonly #redactor: Redactor
  readonly #arrived = new WeakMap<InvocationRecord, Arrived>()
  readonly #statuses = new WeakMap<object, { readonly of: number | undefined }>()

  constructor(redactor: Redactor) {
    this.#redactor = redactor
  }

  of(record: InvocationRecord): InvocationHead {
    const { trigger, title } = this.#arrivedOf(record)
    const {
      environmentId: _,
      outcome = 'running',
      ...head
    } = headOf(record, { trigger, outcome: record.outcome })
    const status = this.#statusOf(record)
    const errorType = head.errorType && this.#redactor.text(record, head.errorType)
    return {
      ...head,
      title,
      state: outcome,
      ...(status !== undefined && { status }),
      ...(errorType !== undefined && { errorType }),
    }
  }

  // Without the response that is parsed for it: most records are never looked at.
  #statusOf({ outcome }: InvocationRecord): number | undefined {
    if (outcome?.kind !== 'value') return undefined
    const known = this.#statuses.get(outcome)
    if (known !== undefined) return known.of
    const { statusCode } = asRecord(parseBody(outcome.body)?.value)
    const of = typeof statusCode === 'number' ? statusCode : undefined
    this.#statuses.set(outcome, { of })
    return of
  }

  #arrivedOf(record: InvocationRecord): Arrived {
    const known = this.#arrived.get(record)
    if (known !== undefined) return known
    const { trigger } = record
    const title = titleOf(parseBody(record.eventBytes)?.value, trigger)
    const arrived = { trigger, title: this.#redactor.text(record, title) }
    this.#arrived.set(record, arrived)
    return arrived
  }
}
