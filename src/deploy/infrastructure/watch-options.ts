import type { Clock } from '../../core/base/clock.js'
import {
  checkClock,
  checkDuration,
  checkFunction,
  checkText,
  listOf,
  wholeNumber,
  withMethods,
} from '../../core/base/option-checks.js'
import { type Check, type Checks, isObject, mustBe, required } from '../../core/base/options.js'
import type { LiveReport } from '../live/go-live.js'
import type { LiveOptions } from '../live/options.js'
import type { LivePlan } from '../live/plan-text.js'
import type { InfrastructureBaseline } from './baseline.js'
import { type CompareTemplatesOptions, checkLive, type StackTemplates } from './compare.js'
import type { InfrastructureChange, InfrastructureDiff } from './diff.js'
import type { InfrastructureSource } from './source.js'

/** Options of {@link watchInfrastructure}. */
export interface WatchInfrastructureOptions {
  /**
   * `cdk()`, `template()`, or a function that returns templates by stack name. For a function, list the files that it
   * reads in `watch`.
   */
  readonly synth:
    | InfrastructureSource
    | ((options: { readonly signal: AbortSignal }) => StackTemplates | Promise<StackTemplates>)
  /** `deployedBaseline()` or `fileBaseline(path)`. */
  readonly baseline: InfrastructureBaseline
  /** Deploys the synthesised templates. Only `change.deploy()` calls it. @default none */
  readonly deploy?: ((deployment: InfrastructureDeployment) => unknown) | undefined
  /**
   * Functions that go live again after each deployment: options of `goLive()`, or a function that returns them.
   * @default none
   */
  readonly goLive?: LiveOptions | ((deployment: InfrastructureDeployment) => LiveOptions) | undefined
  /** Changes to ignore, without a question. @default none */
  readonly ignore?: readonly ((change: InfrastructureChange) => boolean)[] | undefined
  /** Live functions, as for `compareTemplates()`. @default 'all' */
  readonly live?: CompareTemplatesOptions['live']
  /** Time from a save to the start of a synthesis, in milliseconds. Another save restarts it. @default 300 */
  readonly debounceMs?: number | undefined
  /** More files to watch for saves. @default none */
  readonly watch?: readonly string[] | undefined
  /** A file that keeps a decline for the next start. @default in memory only */
  readonly declined?: string | undefined
  /** Interval for polling files, in milliseconds, on file systems without change notifications. @default no polling */
  readonly polling?: number | undefined
  readonly clock?: Clock | undefined
}

/** The templates to deploy, and their differences. */
export interface InfrastructureDeployment {
  readonly diff: InfrastructureDiff
  readonly templates: StackTemplates
}

/** Asks whether to deploy. Asked once; nothing is deployed before `deploy()`. */
export interface InfrastructureQuestion extends InfrastructureDeployment {
  /** Aborted when a newer change replaces this question. */
  readonly signal: AbortSignal
  /**
   * Calls the option `deploy`, then continues like {@link deployed}. Saves in the meantime wait for the end.
   * @throws TetherError `INVALID_OPTION` without that option, `ABORTED` for a question that another has replaced; the
   * errors of the callback
   */
  deploy(): Promise<LiveAgain>
  /**
   * Reports a deployment by other means: the baseline moves on, and the functions of the option `goLive` go live again.
   * @throws the errors of `goLive()`
   */
  deployed(): Promise<LiveAgain>
  /** Suppresses the question until the differences change. @throws TetherError `STORE_FAILED` */
  decline(): Promise<void>
  /** The text of {@link InfrastructureDiff}. */
  toString(): string
}

/** Live functions after a deployment; empty without the option `goLive`. */
export interface LiveAgain {
  /**
   * The plan before they went live again: lists the functions that the deployment overwrote. Functions that lost a part
   * of the stub are refused in the plan; they were restored, with the settings of the deployment, and went live anew.
   */
  readonly plan?: LivePlan
  readonly report?: LiveReport
}

/** Events of {@link InfrastructureWatch}, with the arguments of their listeners. */
export interface InfrastructureEvents {
  /** There is a difference that was not asked about yet. */
  change(question: InfrastructureQuestion): unknown
  /** A synthesis equals the baseline. */
  none(): unknown
  /** A synthesis, the baseline or a listener failed. The baseline is unchanged, and the next save tries again. */
  error(error: Error): unknown
}

/** Watches the infrastructure of a host. */
export interface InfrastructureWatch extends AsyncDisposable {
  /** Adds a listener. The first listener of `change` starts the watch. */
  on<E extends keyof InfrastructureEvents>(event: E, listener: InfrastructureEvents[E]): this
  /** Removes a listener. */
  off<E extends keyof InfrastructureEvents>(event: E, listener: InfrastructureEvents[E]): this
  /**
   * Synthesises and compares now; resolves after its event was emitted. The watch does the same by itself for the first
   * listener of `change`, and after each save.
   */
  check(): Promise<void>
  /** Ends the watch and any running synthesis. Idempotent. */
  close(): Promise<void>
}

const checkSynth: Check = (name, value) =>
  mustBe(
    'cdk(), template(), or a function that gives templates',
    typeof value === 'function' ||
      (isObject(value) && typeof (value as { synth?: unknown }).synth === 'function'),
    name,
    value,
  )

const checkGoLive: Check = (name, value) =>
  mustBe(
    'options of goLive(), or a function that gives them',
    typeof value === 'function' || isObject(value),
    name,
    value,
  )

/** A check for each of {@link WatchInfrastructureOptions}. */
export const watchChecks: Checks<WatchInfrastructureOptions> = {
  synth: required(checkSynth),
  baseline: required(withMethods('deployedBaseline() or fileBaseline(path)', 'read', 'write')),
  deploy: checkFunction,
  goLive: checkGoLive,
  ignore: listOf('a list of functions', checkFunction),
  live: checkLive,
  debounceMs: checkDuration,
  watch: listOf('a list of paths', checkText),
  declined: checkText,
  polling: wholeNumber(1),
  clock: checkClock,
}
