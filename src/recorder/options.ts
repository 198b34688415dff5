import type { Clock } from '../core/base/clock.js'
import {
  checkClock,
  checkFunction,
  checkPathText,
  checkText,
  listOf,
  numberFrom,
  wholeNumber,
} from '../core/base/option-checks.js'
import { checkOptions, optionsOf } from '../core/base/options.js'
import type { RecordHook } from './record-data.js'
import { type RedactOptions, redactChecks } from './redact/rules.js'

/** How much of the past is kept. */
export interface KeepOptions {
  /** Records in memory, and in the folder. @default 1,000 */
  readonly count?: number | undefined
  /**
   * Bytes in memory (bodies, lines of output, and 2 KB for the rest of each record), and in the folder. The newest record is kept in
   * memory however large it is. @default 67,108,864 (64 MiB)
   */
  readonly bytes?: number | undefined
  /** Days in the folder. @default 7 */
  readonly days?: number | undefined
}

/** What is secret, and a redaction of one's own. */
export interface RecordRedactOptions extends RedactOptions {
  /**
   * Changes each record before it is written, after the built-in redaction, or leaves it out. Where it throws, the record is not written,
   * and `status` says so.
   * @default none
   */
  readonly hook?: RecordHook | undefined
}

/** Where and what a recorder records. */
export interface RecordOptions {
  /**
   * Where records are written as well, without their secrets: a folder for recordings alone, relative to the working
   * directory, made for the first record if missing. Sessions may share one. @default records stay in memory
   */
  readonly folder?: string | undefined
  /** How much of the past is kept; what is older is removed. */
  readonly keep?: KeepOptions | undefined
  /** What is secret beside what is taken for secret anyway, in what is written to the folder. */
  readonly redact?: RecordRedactOptions | undefined
  /** Ids of the functions whose invocations are recorded. @default all */
  readonly functions?: readonly string[] | undefined
  /** The time, for tests. @default the machine's */
  readonly clock?: Clock | undefined
}

export const DEFAULT_KEEP = { count: 1_000, bytes: 64 * 1024 * 1024, days: 7 } as const

/** @throws TetherError `INVALID_OPTION` */
export function checkRecordOptions(options: RecordOptions): RecordOptions {
  return checkOptions<RecordOptions>('record', options, {
    folder: checkPathText,
    keep: optionsOf<KeepOptions>({
      count: wholeNumber(1),
      bytes: wholeNumber(1),
      days: numberFrom(0),
    }),
    redact: optionsOf<RecordRedactOptions>({ ...redactChecks, hook: checkFunction }),
    functions: listOf('a list of function ids', checkText),
    clock: checkClock,
  })
}
