import { writeFile } from 'node:fs/promises'
import { checkFlag, checkPath } from '../../core/base/option-checks.js'
import { checkOptions, mustBe } from '../../core/base/options.js'
import type { InvocationRecord } from '../record.js'
import { dataOf, type RecordData } from '../record-data.js'
import { redactRecord } from '../redact/redact-record.js'
import { fixtureRules, type RedactOptions, redactChecks } from '../redact/rules.js'

/** What a fixture holds. */
export interface FixtureOptions extends RedactOptions {
  /** The whole record in place of the event alone. @default false */
  readonly whole?: boolean | undefined
}

/**
 * A record as a fixture to keep with a project's tests: its event, as `sam local invoke --event` and test events of the console take
 * it, or with `whole` the record as plain JSON. Secrets are redacted more strictly than in a folder, whatever looks random among
 * them; each is `[redacted:1]`, by number, so that nothing is left of them. `allow` keeps what a test needs.
 * @returns the event (its base64 where it is no JSON), or a {@link RecordData}
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
 * @throws TetherError `INVALID_OPTION`; what the file system throws
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
