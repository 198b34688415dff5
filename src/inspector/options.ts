import type { Clock } from '../core/base/clock.js'
import {
  checkClock,
  checkFlag,
  checkFunction,
  checkPathText,
  checkPort,
  withMethods,
} from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import type { Recorder } from '../recorder/recorder.js'

/** Options of {@link inspect}. */
export interface InspectOptions {
  /** The port on 127.0.0.1. @default 0, for a free port */
  readonly port?: number | undefined
  /** The invocations to show: a recorder of the same session. @default a recorder with default options, in memory */
  readonly history?: Recorder | undefined
  /** Whether the page and agents may replay against the real function. @default false */
  readonly remoteReplay?: boolean | undefined
  /** Finds out why no invocation arrives: `() => diagnose(…)`. @default the page does not offer it */
  readonly diagnose?: (() => Promise<unknown>) | undefined
  /**
   * The folder of the project, by which `lambda-tether-mcp` finds the inspector: it looks for an inspector of its
   * own working directory, then of the folders above.
   * @default the working directory
   */
  readonly folder?: string | undefined
  /** The time, for tests. @default the machine's */
  readonly clock?: Clock | undefined
}

/** @throws TetherError `INVALID_OPTION` */
export function checkInspectOptions(options: InspectOptions): InspectOptions {
  return checkOptions<InspectOptions>('inspect', options, {
    port: checkPort,
    history: withMethods('a recorder, as record() makes it', 'records', 'get', 'flush'),
    remoteReplay: checkFlag,
    diagnose: checkFunction,
    folder: checkPathText,
    clock: checkClock,
  })
}
