import { defined } from '../../base/defined.js'
import { partOf, type TraceContext, traced, traceOf } from '../../base/diagnostics.js'
import { TetherError } from '../../base/errors.js'
import { didYouMean, listed, nearest } from '../../base/nearest.js'
import { checkText, listOf, oneOf } from '../../base/option-checks.js'
import { type Check, checkOptions, invalidOption, isObject, mustBe, required } from '../../base/options.js'
import { printable } from '../../base/printable.js'
import type { BuildOptions } from '../../contracts/build-options.js'
import type { Executor } from '../../contracts/executor.js'
import type { BuildWarning, FunctionBuild, FunctionSource } from '../../contracts/function-source.js'
import type { DeclineEvent, EventTime } from '../events.js'
import {
  checkExecutor,
  checkVariables,
  type FunctionTarget,
  type ServedFunction,
  servedFunction,
  sourceOfTarget,
  type TargetParts,
  withoutExecutor,
} from './target.js'

/** What `session.serve` takes. */
export interface ServeOptions {
  /** Runs paths and sources; not needed for handlers. The session closes it. */
  readonly executor?: Executor | undefined
  /** How targets that are paths of TypeScript are built. A source has options of its own. */
  readonly build?: BuildOptions | undefined
  /**
   * Targets by function id, or a look-up, asked when a function is first invoked, and again while it answers `undefined`. Both can
   * be changed while the session is open: `session.functions`.
   */
  readonly functions:
    | Readonly<Record<string, FunctionTarget | ServedFunction>>
    | ((functionId: string) => FunctionTarget | ServedFunction | undefined)
  /**
   * Variables of local code. They hold over the function's own, and none is left out; one that is `undefined` is left as it is.
   * @default none
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * Functions that are built when the session opens, and for which the executor starts what it can, so that their first
   * invocation waits for less; `true` means every function of `functions`. A name that is not among them is refused; where
   * `functions` is a look-up that finds none, that is a `reload` with an error.
   * @default none
   */
  readonly prewarm?: true | readonly string[] | undefined
  /**
   * What invocations get after a change that does not build: the error, or an answer of the last build that was good. The
   * `reload` event has the error in either case.
   * @default 'fail'
   */
  readonly onBuildError?: 'fail' | 'keep' | undefined
}

/** What a session serves, to be changed while it is open. */
export interface SessionFunctions {
  /**
   * Serves a function with this from now on. What runs finishes on the code that it began with; if that was loaded, the new code
   * is loaded at once, which is a `reload`.
   * @throws TetherError `INVALID_OPTION`, which changes nothing
   */
  set(functionId: string, target: FunctionTarget | ServedFunction): void
  /**
   * Serves a function no more; what runs finishes. A look-up is asked anew.
   * @returns whether it was served
   * @throws TetherError `INVALID_OPTION` before `serve`
   */
  delete(functionId: string): boolean
  /**
   * Asks the look-up anew for every function that it has found; those that have changed are loaded anew or served no more. Does nothing where
   * `functions` was no look-up.
   * @throws TetherError `INVALID_OPTION`, and what the look-up throws
   */
  refresh(): void
}

/** A function's local code: loaded when first needed, anew after each change. */
export interface Slot {
  readonly executor: Executor
  /** Variables that the host sets. */
  readonly overrides: Readonly<Record<string, string>> | undefined
  /** Whether its last invocation was answered before an acknowledgement was due. */
  quick: boolean
  /** @param parent the invocation that needs it */
  build(parent?: TraceContext): Promise<FunctionBuild>
  /** An invocation needs it from now on, until `leave`. */
  enter(): void
  leave(): void
}

interface SlotState extends Slot {
  readonly served: ServedFunction
  /** Whether the look-up has found it. */
  readonly found: boolean
  readonly source: FunctionSource
  /** Invocations that need it. */
  users: number
  /** Something else is served in its place, or nothing. */
  retired: boolean
  /** What the next invocation waits for. */
  current: Promise<FunctionBuild> | undefined
  /** The build that is under way, or was last: one at a time. */
  building: Promise<FunctionBuild> | undefined
  /** The last build that was good; its files stay while it is. */
  good: { readonly build: FunctionBuild; readonly held: Disposable | undefined } | undefined
  failed: boolean
  /** The executor's part of the last reload: code that loads ahead of its first invocation. */
  taking: Promise<void> | undefined
  watcher: Disposable | undefined
}

/** Why an invocation is declined. */
export type Declined = Omit<DeclineEvent, keyof EventTime>

/**
 * Told of a function's new code.
 * @param done settles when it is there, with the build's warnings
 * @param asked whether an invocation waits for it, which is told of a failure
 */
export type OnReload = (functionId: string, done: Promise<readonly BuildWarning[]>, asked: boolean) => void

/** Which local code serves which function. */
export class FunctionTable implements SessionFunctions {
  readonly #options: ServeOptions
  readonly #parts: TargetParts
  readonly #slots = new Map<string, SlotState>()
  /** Served no more; their sources are closed when no invocation needs them. */
  readonly #retired = new Set<SlotState>()
  readonly #closing = new Set<Promise<void>>()
  readonly #executors = new Set<Executor>()
  readonly #onReload: OnReload
  #inline: Executor | undefined

  /**
   * @param onReload told of every reload and of every other build
   * @throws TetherError `INVALID_OPTION`, naming the function
   */
  constructor(options: ServeOptions, parts: TargetParts, onReload: OnReload) {
    this.#options = options
    this.#parts = parts
    this.#onReload = onReload
    const { executor, functions, prewarm } = checkOptions<ServeOptions>('serve', options, {
      executor: checkExecutor,
      functions: required(checkFunctions),
      build: (name, value) => mustBe('an object of build options', isObject(value), name, value),
      env: checkVariables,
      prewarm: checkPrewarm,
      onBuildError: oneOf('fail', 'keep'),
    })
    if (executor !== undefined) this.#executors.add(executor)
    if (typeof functions === 'function') {
      if (prewarm !== true) return
      throw invalidOption('prewarm', "must name the functions where 'functions' finds them")
    }
    for (const [functionId, target] of Object.entries(functions)) {
      this.#add(functionId, servedFunction(`functions.${functionId}`, target), false)
    }
    for (const [index, functionId] of (prewarm === true ? [] : (prewarm ?? [])).entries()) {
      if (this.#slots.has(functionId)) continue
      throw this.#unserved(`prewarm[${index}]`, functionId)
    }
  }

  /** Builds what `prewarm` names; what cannot be built is reported as a reload that failed. */
  prewarm(): void {
    const { prewarm = [] } = this.#options
    const names = prewarm === true ? [...this.#slots.keys()] : prewarm
    for (const functionId of names) {
      this.#prewarm(functionId).catch((error) => this.#onReload(functionId, Promise.reject(error), false))
    }
  }

  /** @throws TetherError `INVALID_OPTION`, or what the user's look-up throws */
  find(functionId: string): Slot | undefined {
    const known = this.#slots.get(functionId)
    if (known !== undefined) return known
    const served = this.#lookUp(functionId)
    return served === undefined ? undefined : this.#add(functionId, served, true)
  }

  /** Why a function that `find` did not find is declined. */
  declined(functionId: string): Declined {
    const served = [...this.#slots.keys()]
    const meant = nearest(functionId, served)
    const reason = `it does not serve function ${this.#named(functionId)}; it serves ${this.#names()}`
    return { reason, served, ...(meant !== undefined && { nearest: meant }) }
  }

  set(functionId: string, target: FunctionTarget | ServedFunction): void {
    checkText('functionId', functionId)
    this.#replace(functionId, servedFunction(`functions.${functionId}`, target), false)
  }

  delete(functionId: string): boolean {
    checkText('functionId', functionId)
    const slot = this.#slots.get(functionId)
    if (slot === undefined) return false
    this.#slots.delete(functionId)
    this.#retire(functionId, slot)
    return true
  }

  refresh(): void {
    for (const [functionId, slot] of [...this.#slots]) {
      if (!slot.found) continue
      const served = this.#lookUp(functionId)
      if (served === undefined) this.delete(functionId)
      else if (!isSame(served, slot.served)) this.#replace(functionId, served, true)
    }
  }

  /** Loads the function's code anew; the next invocation gets it. @throws TetherError `INVALID_OPTION`, `BUILD_FAILED` */
  async reload(functionId: string): Promise<void> {
    checkText('functionId', functionId)
    this.find(functionId)
    const slot = this.#slots.get(functionId)
    if (slot === undefined) throw this.#unserved('functionId', functionId)
    await this.#reload(functionId, slot)
  }

  async close(): Promise<void> {
    const slots = [...this.#slots.values(), ...this.#retired]
    await Promise.allSettled(slots.map(async (slot) => slot.watcher?.[Symbol.dispose]()))
    await Promise.allSettled([...this.#executors].map(async (executor) => executor.close()))
    const sources = new Set(slots.map(({ source }) => source))
    await Promise.allSettled([...sources].map(async (source) => source.close?.()))
    await Promise.allSettled(this.#closing)
  }

  async #prewarm(functionId: string): Promise<void> {
    const slot = this.find(functionId)
    if (slot === undefined) throw this.#unserved('prewarm', functionId)
    const build = await slot.build()
    if (this.#slots.get(functionId) === slot) slot.executor.prewarm?.(functionId, build)
  }

  #unserved(option: string, functionId: string): TetherError {
    return invalidOption(
      option,
      `names ${this.#named(functionId)}, which is not served; served are ${this.#names()}`,
    )
  }

  /** For messages: a function that is not served, and what its name may be a slip for. */
  #named(functionId: string): string {
    return `'${printable(functionId)}'${didYouMean(functionId, [...this.#slots.keys()])}`
  }

  #names(): string {
    return this.#slots.size === 0 ? 'none' : listed([...this.#slots.keys()])
  }

  #lookUp(functionId: string): ServedFunction | undefined {
    const { functions } = this.#options
    const found = typeof functions === 'function' ? functions(functionId) : undefined
    return found === undefined ? undefined : servedFunction(`functions.${functionId}`, found)
  }

  #replace(functionId: string, served: ServedFunction, found: boolean): void {
    const old = this.#slots.get(functionId)
    const slot = this.#add(functionId, served, found)
    if (old === undefined) return
    this.#retire(functionId, old, slot)
    if (old.current !== undefined) this.#reload(functionId, slot).catch(() => {})
  }

  /** @param successor what takes its place */
  #retire(functionId: string, slot: SlotState, successor?: SlotState): void {
    slot.retired = true
    slot.watcher?.[Symbol.dispose]()
    slot.watcher = undefined
    // A successor's code takes the place of this slot's where both are run by one executor.
    if (slot.current !== undefined && slot.executor !== successor?.executor)
      slot.executor.reload(functionId).catch(() => {})
    this.#retired.add(slot)
    // A build that is under way would miss what closing frees.
    const built = slot.current ?? Promise.resolve()
    built.catch(() => {}).then(() => this.#closeRetired(slot))
  }

  #closeRetired(slot: SlotState): void {
    if (slot.users > 0 || !this.#retired.delete(slot)) return
    const { source } = slot
    if ([...this.#slots.values(), ...this.#retired].some((other) => other.source === source)) return
    const close = async () => {
      slot.good?.held?.[Symbol.dispose]()
      await source.close?.()
    }
    const closing = close()
      .catch(() => {})
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  #add(functionId: string, served: ServedFunction, found: boolean): SlotState {
    const source = sourceOfTarget(functionId, served.target, this.#parts, this.#options.build)
    const executor = this.#executor(functionId, served)
    const slot: SlotState = {
      served,
      found,
      source,
      executor,
      overrides: overridesOf(this.#options.env, served.env),
      current: undefined,
      building: undefined,
      good: undefined,
      failed: false,
      taking: undefined,
      quick: false,
      watcher: undefined,
      users: 0,
      retired: false,
      enter: () => {
        slot.users++
      },
      leave: () => {
        slot.users--
        if (slot.retired) this.#closeRetired(slot)
      },
      build: (parent) => {
        if (slot.current === undefined) {
          slot.building = this.#build(functionId, slot, parent)
          return this.#track(slot, this.#askedFor(functionId, slot.building))
        }
        const { good, current } = slot
        if (good !== undefined && this.#options.onBuildError === 'keep')
          return current.catch(() => good.build)
        // A build that failed is tried again: what was missing may be there now.
        if (!slot.failed) return current
        return this.#askedFor(functionId, this.#load(functionId, slot, parent))
      },
    }
    this.#slots.set(functionId, slot)
    return slot
  }

  #executor(functionId: string, { target, executor }: ServedFunction): Executor {
    const chosen =
      executor ?? (typeof target === 'function' ? this.#inlineExecutor() : this.#options.executor)
    if (chosen === undefined) throw withoutExecutor(functionId)
    this.#executors.add(chosen)
    return chosen
  }

  #inlineExecutor(): Executor {
    this.#inline ??= this.#parts.inline()
    return this.#inline
  }

  #build(functionId: string, slot: SlotState, parent: TraceContext | undefined): Promise<FunctionBuild> {
    const trace = traceOf('build', () => partOf(parent, { functionId }))
    return traced(trace, () => this.#loadSource(functionId, slot))
  }

  async #loadSource(functionId: string, slot: SlotState): Promise<FunctionBuild> {
    try {
      // Before the first load, so that no change between the two is missed.
      if (!slot.retired) {
        slot.watcher ??= slot.source.watch?.(() => {
          this.#reload(functionId, slot).catch(() => {})
        })
      }
      const build = await slot.source.load()
      const held = build.hold?.()
      slot.good?.held?.[Symbol.dispose]()
      slot.good = { build, held }
      return build
    } catch (error) {
      if (error instanceof TetherError) throw error
      const message = `Function '${functionId}' could not be built: ${String(error)}`
      throw new TetherError('BUILD_FAILED', message, { cause: error })
    }
  }

  async #reload(functionId: string, slot: SlotState): Promise<void> {
    const reload = async (): Promise<readonly BuildWarning[]> => {
      const { warnings = [] } = await this.#load(functionId, slot)
      // Changed again meanwhile: whether the newest code was loaded is what counts.
      for (let taking: typeof slot.taking; taking !== slot.taking; ) {
        taking = slot.taking
        await taking
      }
      return warnings
    }
    const reloading = reload()
    this.#onReload(functionId, reloading, false)
    await reloading
  }

  #askedFor(functionId: string, building: Promise<FunctionBuild>): Promise<FunctionBuild> {
    const done = building.then(({ warnings = [] }) => warnings)
    this.#onReload(functionId, done, true)
    return building
  }

  // The new build replaces the old before it is ready: whoever comes from now on waits for it.
  #load(functionId: string, slot: SlotState, parent?: TraceContext): Promise<FunctionBuild> {
    const load = async (): Promise<FunctionBuild> => {
      await slot.building?.catch(() => {})
      // Changed again while waiting: the newest change's build has both.
      if (slot.current !== next && slot.current !== undefined) return slot.current
      slot.building = this.#build(functionId, slot, parent)
      const build = await slot.building
      if (slot.retired) return build
      slot.taking = slot.executor.reload(functionId, build)
      slot.taking.catch(() => {})
      return build
    }
    const next = load()
    return this.#track(slot, next)
  }

  #track(slot: SlotState, build: Promise<FunctionBuild>): Promise<FunctionBuild> {
    slot.current = build
    slot.failed = false
    slot.quick = false
    build.catch(() => {
      if (slot.current === build) slot.failed = true
    })
    return build
  }
}

function overridesOf(...variables: ServedFunction['env'][]): Readonly<Record<string, string>> | undefined {
  const overrides: Record<string, string> = Object.assign({}, ...variables.map((some) => defined(some ?? {})))
  return Object.keys(overrides).length === 0 ? undefined : overrides
}

/** Whether a look-up has answered as before. */
function isSame(one: ServedFunction, other: ServedFunction): boolean {
  if (one.target !== other.target || one.executor !== other.executor) return false
  return JSON.stringify(one.env) === JSON.stringify(other.env)
}

const checkFunctions: Check = (name, value) =>
  mustBe(
    'an object of targets or a function that finds one',
    isObject(value) || typeof value === 'function',
    name,
    value,
  )

const checkPrewarm: Check = (name, value) =>
  value === true || listOf('true or a list of function ids', checkText)(name, value)
