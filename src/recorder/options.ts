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

/** Limits of the history. */
export interface KeepOptions {
  /** Number of records, in memory and in the folder each. @default 1,000 */
  readonly count?: number | undefined
  /**
   * Bytes in memory (bodies, lines of output, and 2 KB for the rest of each record), and bytes in the folder. The
   * newest record stays in memory even if it alone exceeds the limit.
   * @default 67,108,864 (64 MiB)
   */
  readonly bytes?: number | undefined
  /** Days that records stay in the folder. @default 7 */
  readonly days?: number | undefined
}

/** Additional secrets, and a redaction function of your own. */
export interface RecordRedactOptions extends RedactOptions {
  /**
   * Changes each record before it is written, after the built-in redaction, or leaves the record out. If the function
   * throws, the record is not written and a `status` event says so.
   * @default none
   */
  readonly hook?: RecordHook | undefined
}

/** Options of `record()`. */
export interface RecordOptions {
  /**
   * Also writes records to this folder, without their secrets. The folder must hold only recordings. A relative path
   * starts at the working directory; a missing folder is made for the first record. Sessions may share a folder.
   * @default records stay in memory
   */
  readonly folder?: string | undefined
  /** Limits of the history; older records are removed. */
  readonly keep?: KeepOptions | undefined
  /** Additional secrets to redact in the folder's records. The built-in rules always apply. */
  readonly redact?: RecordRedactOptions | undefined
  /** Ids of the functions to record. @default all */
  readonly functions?: readonly string[] | undefined
  /** Replaces the clock, for tests. @default the system clock */
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
