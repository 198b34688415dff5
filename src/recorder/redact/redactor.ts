import { randomBytes } from 'node:crypto'
import type { InvocationRecord, RecordedLog, RecordedOutcome } from '../record.js'
import { dataOf, hooked, type RecordData, type RecordDataOutcome, type RecordHook } from '../record-data.js'
import { redactLogs } from './redact-logs.js'
import { redactRecord } from './redact-record.js'
import { Redaction, type RedactionRules } from './redaction.js'
import { keyedMarks, type RedactOptions, RuleBook } from './rules.js'

const KEY_BYTES = 32

/** Redacts records that are shown and not written: marks are the same while the process lives. */
export class Redactor {
  /** What is secret beside what is taken for secret anyway. */
  readonly options: RedactOptions
  readonly #rules: RuleBook
  readonly #hook: RecordHook | undefined
  readonly #mark = keyedMarks(randomBytes(KEY_BYTES))

  constructor(options: RedactOptions, hook: RecordHook | undefined) {
    this.options = options
    this.#rules = new RuleBook(options)
    this.#hook = hook
  }

  /** A record without its secrets. @returns undefined where the hook leaves it out, or fails */
  masked(record: InvocationRecord, rules = this.#rulesFor(record)): RecordData | undefined {
    const parts = redactRecord(record, rules)
    if (this.#hook === undefined) return dataOf(record, parts)
    try {
      const changed = hooked(this.#hook, record, parts)
      return changed && dataOf(record, changed)
    } catch {
      return undefined
    }
  }

  /** The outcome of a record, or of a replay of it, without its secrets. */
  outcome(record: InvocationRecord, outcome: RecordedOutcome): RecordDataOutcome | undefined {
    const alone = endedWith(record, outcome, { logs: [], droppedLogs: 0, redacted: [] })
    return this.masked(alone, this.#rulesFor(record))?.outcome
  }

  /** A record as `masked` or `disclosed` gives it, as if it had ended with this outcome. */
  ended(record: InvocationRecord, outcome: RecordedOutcome, reveal: boolean): RecordData | undefined {
    const ended = endedWith(record, outcome)
    if (!reveal) return this.masked(ended, this.#rulesFor(record))
    return dataOf(ended, redactRecord(ended, this.#rules.disclosingRulesFor(record, this.#mark)))
  }

  /** A record as it came, without the function's own secrets and credentials. */
  disclosed(record: InvocationRecord): RecordData {
    return dataOf(record, redactRecord(record, this.#rules.disclosingRulesFor(record, this.#mark)))
  }

  /** Lines of a record's output without its secrets. */
  lines(record: InvocationRecord, logs: readonly RecordedLog[]): readonly RecordedLog[] {
    const rules = this.#rulesFor(record)
    return redactLogs(logs, new Redaction(rules), rules)
  }

  /** A text of a record's without its secrets. */
  text(record: InvocationRecord, text: string): string {
    return new Redaction(this.#rulesFor(record)).text(text)
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
