import { partOf, type TraceContext, traced, traceOf } from '../base/diagnostics.js'
import { TetherError } from '../base/errors.js'
import { checkText, listOf, oneOf, withMethods } from '../base/option-checks.js'
import { type Check, checkOptions, invalidOption, isObject, mustBe, required } from '../base/options.js'
import type { BuildOptions } from '../contracts/build-options.js'
import type { Executor } from '../contracts/executor.js'
import type { BuildWarning, FunctionBuild, FunctionSource } from '../contracts/function-source.js'
import type { Handler } from '../contracts/handler.js'

/** What serves a function: a path and an export (`./src/api.ts#handler`), a source, or a handler run inline. */
export type FunctionTarget = string | FunctionSource | Handler

/** What `session.serve` takes. */
export interface ServeOptions {
  /** Runs paths and sources; not needed for handlers. The session closes it. */
  readonly executor?: Executor
  /** Targets by function id, or a look-up, asked once for each function. */
  readonly functions:
    | Readonly<Record<string, FunctionTarget>>
    | ((functionId: string) => FunctionTarget | undefined)
  /** How targets that are paths of TypeScript are built. A source has options of its own. */
  readonly build?: BuildOptions
  /**
   * Functions that are built when the session opens, and for which the executor starts what it can, so that their first
   * invocation waits for less; `true` means every function of `functions`.
   * @default none
   */
  readonly prewarm?: true | readonly string[]
  /**
   * What invocations get after a change that does not build: the error, or an answer of the last build that was good. The
   * `reload` event has the error in either case.
   * @default 'fail'
   */
  readonly onBuildError?: 'fail' | 'keep'
}

/** What the core is given to make targets of: it knows no file system and no executor itself. */
export interface TargetParts {
  /** @throws TetherError `INVALID_OPTION` for a text that is no target */
  sourceOf(target: string, build: BuildOptions | undefined): FunctionSource
  inline(): Executor
}

/** A function's local code: loaded when first needed, anew after each change. */
export interface Slot {
  readonly executor: Executor
  /** Whether its last invocation was answered before an acknowledgement was due. */
  quick: boolean
  /** @param parent the invocation that needs it */
  build(parent?: TraceContext): Promise<FunctionBuild>
}

interface SlotState extends Slot {
  readonly source: FunctionSource
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

/**
 * Told of a function's new code.
 * @param done settles when it is there, with the build's warnings
 * @param asked whether an invocation waits for it, which is told of a failure
 */
export type OnReload = (functionId: string, done: Promise<readonly BuildWarning[]>, asked: boolean) => void

/** Which local code serves which function. */
export class FunctionTable {
  readonly #options: ServeOptions
  readonly #parts: TargetParts
  readonly #slots = new Map<string, SlotState>()
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
    const { functions, prewarm } = checkOptions<ServeOptions>('serve', options, {
      executor: withMethods('an executor, such as workerThreads()', 'execute', 'reload', 'close'),
      functions: required(checkFunctions),
      build: (name, value) => mustBe('an object of build options', isObject(value), name, value),
      prewarm: checkPrewarm,
      onBuildError: oneOf('fail', 'keep'),
    })
    if (typeof functions === 'function') {
      if (prewarm !== true) return
      throw invalidOption('prewarm', "must name the functions where 'functions' finds them")
    }
    for (const [functionId, target] of Object.entries(functions)) this.#add(functionId, target)
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
    if (known !== undefined || typeof this.#options.functions !== 'function') return known
    const target = this.#options.functions(functionId)
    return target === undefined ? undefined : this.#add(functionId, target)
  }

  /** Loads the function's code anew; the next invocation gets it. @throws TetherError `INVALID_OPTION`, `BUILD_FAILED` */
  async reload(functionId: string): Promise<void> {
    this.find(functionId)
    const slot = this.#slots.get(functionId)
    if (slot === undefined) {
      throw new TetherError(
        'INVALID_OPTION',
        `Function '${functionId}' is not served, so it cannot be reloaded.`,
      )
    }
    await this.#reload(functionId, slot)
  }

  async close(): Promise<void> {
    const slots = [...this.#slots.values()]
    await Promise.allSettled(slots.map(async (slot) => slot.watcher?.[Symbol.dispose]()))
    await Promise.allSettled(
      [this.#options.executor, this.#inline].map(async (executor) => executor?.close()),
    )
    await Promise.allSettled(slots.map(async (slot) => slot.source.close?.()))
  }

  async #prewarm(functionId: string): Promise<void> {
    const slot = this.find(functionId)
    if (slot === undefined) {
      throw new TetherError('INVALID_OPTION', `'prewarm' names '${functionId}', which is not served.`)
    }
    const build = await slot.build()
    slot.executor.prewarm?.(functionId, build)
  }

  #add(functionId: string, target: FunctionTarget): SlotState {
    const source = this.#source(functionId, target)
    const executor = this.#executor(functionId, target)
    const slot: SlotState = {
      source,
      executor,
      current: undefined,
      building: undefined,
      good: undefined,
      failed: false,
      taking: undefined,
      quick: false,
      watcher: undefined,
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

  #source(functionId: string, target: FunctionTarget): FunctionSource {
    if (typeof target === 'string') return this.#parts.sourceOf(target, this.#options.build)
    if (typeof target === 'function') {
      return { load: async () => ({ kind: 'module', load: async () => target }) }
    }
    if (typeof target?.load === 'function') return target
    throw new TetherError(
      'INVALID_OPTION',
      `The target of function '${functionId}' must be 'path#export', a source or a handler, not ${target === null ? 'null' : typeof target}.`,
    )
  }

  #executor(functionId: string, target: FunctionTarget): Executor {
    if (typeof target === 'function') {
      this.#inline ??= this.#parts.inline()
      return this.#inline
    }
    if (this.#options.executor !== undefined) return this.#options.executor
    throw new TetherError(
      'INVALID_OPTION',
      `Function '${functionId}' needs an 'executor', such as workerThreads(); only handlers run without one.`,
    )
  }

  #build(functionId: string, slot: SlotState, parent: TraceContext | undefined): Promise<FunctionBuild> {
    const trace = traceOf('build', () => partOf(parent, { functionId }))
    return traced(trace, () => this.#loadSource(functionId, slot))
  }

  async #loadSource(functionId: string, slot: SlotState): Promise<FunctionBuild> {
    try {
      // Before the first load, so that no change between the two is missed.
      slot.watcher ??= slot.source.watch?.(() => {
        this.#reload(functionId, slot).catch(() => {})
      })
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
      await slot.taking
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

const checkFunctions: Check = (name, value) =>
  mustBe(
    'an object of targets or a function that finds one',
    isObject(value) || typeof value === 'function',
    name,
    value,
  )

const checkPrewarm: Check = (name, value) =>
  value === true || listOf('true or a list of function ids', checkText)(name, value)
