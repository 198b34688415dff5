import { writeFile } from 'node:fs/promises'
import { checkFlag, checkPath } from '../../core/base/option-checks.js'
import { checkOptions, mustBe } from '../../core/base/options.js'
import type { InvocationRecord } from '../record.js'
import { dataOf, type RecordData } from '../record-data.js'
import { redactRecord } from '../redact/redact-record.js'
import { fixtureRules, type RedactOptions, redactChecks } from '../redact/rules.js'

/** Options of {@link toFixture}. */
export interface FixtureOptions extends RedactOptions {
  /** Exports the whole record instead of the event alone. @default false */
  readonly whole?: boolean | undefined
}

/**
 * Converts a record to a fixture for a project's tests: its event, in the form that `sam local invoke --event` and the
 * console's test events take, or the whole record as plain JSON with `whole`. Redacts more than a folder does,
 * including any random-looking value; each secret becomes a number, `[redacted:1]`, which reveals nothing of it. Keep
 * values that a test needs with `allow`.
 * @returns the event (its base64 if it is not JSON), or a {@link RecordData}
 * @throws TetherError `INVALID_OPTION`
 */
export function toFixture(
  record: InvocationRecord,
  options: FixtureOptions & { readonly whole: true },
): RecordData
export function toFixture(record: InvocationRecord, options?: FixtureOptions): unknown
export function toFixture(record: InvocationRecord, options: FixtureOptions = {}): unknown {
  checkRecord(record)
  const { whole = false, ...redact } = checkOptions<FixtureOptions>('toFixture', options, {
    whole: checkFlag,
    ...redactChecks,
  })
  const data = dataOf(record, redactRecord(record, fixtureRules(record, redact)))
  return whole ? data : (data.event ?? data.eventBase64)
}

/**
 * Writes a fixture as indented JSON.
 * @throws TetherError `INVALID_OPTION`; any error of the file system
 */
export async function writeFixture(
  path: string | URL,
  record: InvocationRecord,
  options: FixtureOptions = {},
): Promise<void> {
  checkPath('path', path)
  await writeFile(path, `${JSON.stringify(toFixture(record, options), null, 2)}\n`)
}

export function checkRecord(record: unknown, name = 'record'): void {
  const { eventBytes, context } = (record ?? {}) as Partial<InvocationRecord>
  mustBe(
    'a record of a recorder or of a folder of recordings',
    eventBytes instanceof Uint8Array && context !== undefined,
    name,
    record,
  )
}
