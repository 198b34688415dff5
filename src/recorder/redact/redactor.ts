import { randomBytes } from 'node:crypto'
import type { InvocationRecord, RecordedLog, RecordedOutcome } from '../record.js'
import { dataOf, hooked, type RecordData, type RecordDataOutcome, type RecordHook } from '../record-data.js'
import { redactLogs } from './redact-logs.js'
import { type RedactedParts, redactRecord } from './redact-record.js'
import { Redaction, type RedactionRules } from './redaction.js'
import { fixtureRules, keyedMarks, type RedactOptions, RuleBook } from './rules.js'

const KEY_BYTES = 32
/**
 * Number of earlier lines to redact together with the requested lines: a secret may begin there and span several lines.
 */
const LINES_BEFORE = 60

/** Redacts records for display. Marks stay the same while the process lives. */
export class Redactor {
  readonly #options: RedactOptions
  readonly #rules: RuleBook
  readonly #hook: RecordHook | undefined
  readonly #mark = keyedMarks(randomBytes(KEY_BYTES))

  constructor(options: RedactOptions, hook: RecordHook | undefined) {
    this.#options = options
    this.#rules = new RuleBook(options)
    this.#hook = hook
  }

  /** Returns a record without its secrets, or undefined if the hook leaves it out or fails. */
  masked(record: InvocationRecord, rules = this.#rulesFor(record)): RecordData | undefined {
    const parts = this.#hooked(record, redactRecord(record, rules))
    return parts && dataOf(record, parts)
  }

  /** Returns the outcome of a record, or of its replay, without its secrets. */
  outcome(record: InvocationRecord, outcome: RecordedOutcome): RecordDataOutcome | undefined {
    const alone = endedWith(record, outcome, { logs: [], droppedLogs: 0, redacted: [] })
    return this.masked(alone, this.#rulesFor(record))?.outcome
  }

  /** Returns a record, as `masked` or `disclosed` would, with the given outcome. */
  ended(record: InvocationRecord, outcome: RecordedOutcome, reveal: boolean): RecordData | undefined {
    const ended = endedWith(record, outcome)
    if (!reveal) return this.masked(ended, this.#rulesFor(record))
    return dataOf(ended, redactRecord(ended, this.#rules.disclosingRulesFor(record, this.#mark)))
  }

  /** Returns a record with only the function's own secrets and credentials redacted. */
  disclosed(record: InvocationRecord): RecordData {
    return dataOf(record, redactRecord(record, this.#rules.disclosingRulesFor(record, this.#mark)))
  }

  /**
   * Returns the lines `from` to before `to` of a record's output, without their secrets. Empty if the hook leaves the
   * record out.
   */
  lines(record: InvocationRecord, from = 0, to = record.logs.length): readonly RecordedLog[] {
    const rules = this.#rulesFor(record)
    if (this.#hook !== undefined) {
      const parts = redactRecord(record, rules)
      return this.#hooked(record, { ...parts, logs: parts.logs.slice(from, to) })?.logs ?? []
    }
    const before = Math.max(0, from - LINES_BEFORE)
    return redactLogs(record.logs.slice(before, to), new Redaction(rules), rules).slice(from - before)
  }

  /**
   * Returns a record's event as a fixture, with the marks of `toFixture`.
   * @returns undefined if the hook leaves the record out
   */
  fixture(record: InvocationRecord): { readonly event: unknown } | undefined {
    const data = this.masked(record, fixtureRules(record, this.#options))
    return data && { event: data.event ?? data.eventBase64 }
  }

  /** Returns a text of a record without its secrets. */
  text(record: InvocationRecord, text: string): string {
    return new Redaction(this.#rulesFor(record)).text(text)
  }

  #hooked(record: InvocationRecord, parts: RedactedParts): RedactedParts | undefined {
    if (this.#hook === undefined) return parts
    try {
      return hooked(this.#hook, record, parts)
    } catch {
      return undefined
    }
  }

  #rulesFor(record: InvocationRecord): RedactionRules {
    return this.#rules.rulesFor(record, this.#mark)
  }
}

function endedWith(
  record: InvocationRecord,
  outcome: RecordedOutcome,
  { logs, droppedLogs, redacted }: Pick<InvocationRecord, 'logs' | 'droppedLogs' | 'redacted'> = record,
): InvocationRecord {
  const { id, functionId, environmentId, at, trigger, eventBytes, context, variables } = record
  const { rerun, mirrored, replayed, timing } = record
  return {
    ...{ id, functionId, environmentId, at, trigger, eventBytes, context, variables },
    ...{ rerun, mirrored, replayed, timing, logs, droppedLogs, redacted, outcome },
    get event() {
      return record.event
    },
  }
}
