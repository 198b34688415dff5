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

/** What {@link watchInfrastructure} watches and asks about. */
export interface WatchInfrastructureOptions {
  /** `cdk()`, `template()`, or a function that gives templates by the names of their stacks; what a function read is named by `watch`. */
  readonly synth:
    | InfrastructureSource
    | ((options: { readonly signal: AbortSignal }) => StackTemplates | Promise<StackTemplates>)
  /** `deployedBaseline()` or `fileBaseline(path)`. */
  readonly baseline: InfrastructureBaseline
  /** Deploys what was synthesised; called by `change.deploy()` alone. @default none */
  readonly deploy?: ((deployment: InfrastructureDeployment) => unknown) | undefined
  /** What goes live again after each deployment: options of `goLive()`, or a function that gives them. @default none */
  readonly goLive?: LiveOptions | ((deployment: InfrastructureDeployment) => LiveOptions) | undefined
  /** Changes that are not asked about. @default none */
  readonly ignore?: readonly ((change: InfrastructureChange) => boolean)[] | undefined
  /** The functions that are live, as for `compareTemplates()`. @default 'all' */
  readonly live?: CompareTemplatesOptions['live']
  /** How long after a save a synthesis begins, in milliseconds; another save begins it anew. @default 300 */
  readonly debounceMs?: number | undefined
  /** More files whose save is a reason to synthesise. @default none */
  readonly watch?: readonly string[] | undefined
  /** A file in which a decline is kept, for the next start. @default in memory alone */
  readonly declined?: string | undefined
  /** Looks at files so often, in milliseconds, where the file system does not tell of changes. @default it tells */
  readonly polling?: number | undefined
  readonly clock?: Clock | undefined
}

/** What is to be deployed. */
export interface InfrastructureDeployment {
  readonly diff: InfrastructureDiff
  readonly templates: StackTemplates
}

/** A question: whether to deploy. It is put once; nothing is deployed before `deploy()`. */
export interface InfrastructureQuestion extends InfrastructureDeployment {
  /** Fires when a newer change takes the place of this question. */
  readonly signal: AbortSignal
  /**
   * Calls the option `deploy`, and then as {@link deployed}. Saves meanwhile wait until it is over.
   * @throws TetherError `INVALID_OPTION` without that option, `ABORTED` for a question whose place another has taken; what the callback throws
   */
  deploy(): Promise<LiveAgain>
  /** Says that it was deployed by other means: the baseline moves on, and the functions of the option `goLive` go live again. @throws what `goLive()` throws */
  deployed(): Promise<LiveAgain>
  /** Not asked again until something else differs. @throws TetherError `STORE_FAILED` */
  decline(): Promise<void>
  /** As {@link InfrastructureDiff} prints itself. */
  toString(): string
}

/** What became of live functions after a deployment; empty without the option `goLive`. */
export interface LiveAgain {
  /**
   * Before they went live again: which the deployment had overwritten. Those that had lost a part of the stub are refused there; they were restored,
   * with what the deployment had set, and went live anew.
   */
  readonly plan?: LivePlan
  readonly report?: LiveReport
}

/** Events of {@link InfrastructureWatch}, with what their listeners get. */
export interface InfrastructureEvents {
  /** Something differs that was not asked about. */
  change(question: InfrastructureQuestion): unknown
  /** A synthesis is as the baseline is. */
  none(): unknown
  /** A synthesis, the baseline or a listener failed; the baseline is as it was, and the next save tries again. */
  error(error: Error): unknown
}

/** A host's watch over its infrastructure. */
export interface InfrastructureWatch extends AsyncDisposable {
  /** Listens to an event. The first listener of `change` begins the watch. */
  on<E extends keyof InfrastructureEvents>(event: E, listener: InfrastructureEvents[E]): this
  /** Ends a listening. */
  off<E extends keyof InfrastructureEvents>(event: E, listener: InfrastructureEvents[E]): this
  /** Synthesises and compares now, which the watch does by itself once it has a listener of `change`, and after each save; resolves when its event was emitted. */
  check(): Promise<void>
  /** Ends what runs. Idempotent. */
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
