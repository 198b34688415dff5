import { partOf, type TraceContext, traced, traceOf } from '../../base/diagnostics.js'
import { TetherError } from '../../base/errors.js'
import type { Executor } from '../../contracts/executor.js'
import type { BuildWarning, FunctionBuild, FunctionSource } from '../../contracts/function-source.js'
import type { ServedFunction, ServedState } from './target.js'

/**
 * Told of a function's new code.
 * @param done settles when it is there, with the build's warnings
 * @param asked whether an invocation waits for it, which is told of a failure
 */
export type OnReload = (functionId: string, done: Promise<readonly BuildWarning[]>, asked: boolean) => void

export interface SlotOptions {
  readonly functionId: string
  readonly served: ServedFunction
  /** Whether a look-up has found it. */
  readonly found: boolean
  readonly source: FunctionSource
  readonly executor: Executor
  /** Variables that the host sets. */
  readonly overrides: Readonly<Record<string, string>> | undefined
  /** Whether invocations get the last good build after one that failed. */
  readonly keepsGood: boolean
  readonly onReload: OnReload
  /** Called when the last invocation has left a slot that is retired. */
  onUnused(slot: Slot): void
}

/** One function's local code: built when first needed, anew after each change. */
export class Slot {
  readonly served: ServedFunction
  readonly found: boolean
  readonly source: FunctionSource
  readonly executor: Executor
  readonly overrides: Readonly<Record<string, string>> | undefined
  /** Whether its last invocation was answered before an acknowledgement was due. */
  quick = false
  readonly #options: SlotOptions
  /** Invocations that need it. */
  #users = 0
  /** Something else is served in its place, or nothing. */
  #retired = false
  /** What the next invocation waits for. */
  #current: Promise<FunctionBuild> | undefined
  /** The build that is under way, or was last: one at a time. */
  #building: Promise<FunctionBuild> | undefined
  /** The last build that was good; its files stay while it is. */
  #good: { readonly build: FunctionBuild; readonly held: Disposable | undefined } | undefined
  /** Why the current code could not be built. */
  #failed: TetherError | undefined
  /** Why the current code, which was built, could not be loaded ahead of an invocation. */
  #unloadable: TetherError | undefined
  #built = false
  /** The executor's part of the last reload: code that loads ahead of its first invocation. */
  #taking: Promise<void> | undefined
  #watcher: Disposable | undefined

  constructor(options: SlotOptions) {
    this.#options = options
    this.served = options.served
    this.found = options.found
    this.source = options.source
    this.executor = options.executor
    this.overrides = options.overrides
  }

  /** Whether its code was needed. */
  get loaded(): boolean {
    return this.#current !== undefined
  }

  /** How its code is, for `functions.list`. */
  get state(): ServedState {
    const { functionId } = this.#options
    const { target } = this.served
    const build = this.#good?.build
    const entry = build?.kind === 'file' ? `${build.entry ?? build.path}#${build.exportName}` : undefined
    const source = typeof target === 'string' ? target : entry
    const error = this.#failed ?? this.#unloadable
    const stats = this.executor.stats?.()[functionId]
    return {
      functionId,
      executor: this.executor.name,
      state: !this.loaded ? 'unbuilt' : error ? 'failed' : this.#built ? 'ready' : 'building',
      ...(source !== undefined && { source }),
      ...(error && { error }),
      ...(stats && { stats }),
    }
  }

  /** Whether an invocation needs it. */
  get used(): boolean {
    return this.#users > 0
  }

  /** An invocation needs it from now on, until `leave`. */
  enter(): void {
    this.#users++
  }

  leave(): void {
    this.#users--
    if (this.#retired && !this.used) this.#options.onUnused(this)
  }

  /** @param parent the invocation that needs it */
  build(parent?: TraceContext): Promise<FunctionBuild> {
    if (this.#current === undefined) {
      this.#building = this.#build(parent)
      return this.#track(this.#askedFor(this.#building))
    }
    const good = this.#good
    if (good !== undefined && this.#options.keepsGood) return this.#current.catch(() => good.build)
    // A build that failed is tried again: what was missing may be there now.
    if (this.#failed === undefined) return this.#current
    return this.#askedFor(this.#load(parent))
  }

  /** Loads the code anew; the next invocation gets it. @throws TetherError `BUILD_FAILED` */
  async reload(): Promise<void> {
    const reloading = this.#reloaded()
    this.#options.onReload(this.#options.functionId, reloading, false)
    await reloading
  }

  /**
   * Serves no more; what runs finishes. Resolves when no build is under way.
   * @param successor what takes its place
   */
  async retire(successor: Slot | undefined): Promise<void> {
    this.#retired = true
    this.stopWatching()
    // A successor's code takes the place of this slot's where both are run by one executor.
    if (this.loaded && this.executor !== successor?.executor)
      this.executor.reload(this.#options.functionId).catch(() => {})
    await this.#current?.catch(() => {})
  }

  stopWatching(): void {
    this.#watcher?.[Symbol.dispose]()
    this.#watcher = undefined
  }

  /** Closes the source, which no other slot has. */
  async close(): Promise<void> {
    this.#good?.held?.[Symbol.dispose]()
    await this.source.close?.()
  }

  #build(parent: TraceContext | undefined): Promise<FunctionBuild> {
    const { functionId } = this.#options
    const trace = traceOf('build', () => partOf(parent, { functionId }))
    return traced(trace, () => this.#loadSource())
  }

  async #loadSource(): Promise<FunctionBuild> {
    try {
      // Before the first load, so that no change between the two is missed.
      if (!this.#retired) this.#watcher ??= this.source.watch?.(() => void this.reload().catch(() => {}))
      const build = await this.source.load()
      const held = build.hold?.()
      this.#good?.held?.[Symbol.dispose]()
      this.#good = { build, held }
      return build
    } catch (error) {
      if (error instanceof TetherError) throw error
      const message = `Function '${this.#options.functionId}' could not be built: ${String(error)}`
      throw new TetherError('BUILD_FAILED', message, { cause: error })
    }
  }

  async #reloaded(): Promise<readonly BuildWarning[]> {
    const { warnings = [] } = await this.#load()
    // Changed again meanwhile: whether the newest code was loaded is what counts.
    let taking: Promise<void> | undefined
    while (taking !== this.#taking) {
      taking = this.#taking
      await taking
    }
    return warnings
  }

  #askedFor(building: Promise<FunctionBuild>): Promise<FunctionBuild> {
    const done = building.then(({ warnings = [] }) => warnings)
    this.#options.onReload(this.#options.functionId, done, true)
    return building
  }

  // The new build replaces the old before it is ready: whoever comes from now on waits for it.
  #load(parent?: TraceContext): Promise<FunctionBuild> {
    const load = async (): Promise<FunctionBuild> => {
      await this.#building?.catch(() => {})
      // Changed again while waiting: the newest change's build has both.
      if (this.#current !== next && this.#current !== undefined) return this.#current
      this.#building = this.#build(parent)
      const build = await this.#building
      if (this.#retired) return build
      this.#taking = this.executor.reload(this.#options.functionId, build)
      this.#taking.catch((error) => {
        if (this.#current === next) this.#unloadable = error
      })
      return build
    }
    const next = load()
    return this.#track(next)
  }

  #track(build: Promise<FunctionBuild>): Promise<FunctionBuild> {
    this.#current = build
    this.#failed = undefined
    this.#unloadable = undefined
    this.#built = false
    this.quick = false
    const settle = (error?: TetherError) => {
      if (this.#current !== build) return
      this.#built = error === undefined
      this.#failed = error
    }
    build.then(() => settle(), settle)
    return build
  }
}
