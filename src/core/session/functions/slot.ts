import { partOf, type TraceContext, traced, traceOf } from '../../base/diagnostics.js'
import { TetherError } from '../../base/errors.js'
import { printable } from '../../base/printable.js'
import type { Executor } from '../../contracts/executor.js'
import type { BuildWarning, FunctionBuild, FunctionSource } from '../../contracts/function-source.js'
import type { ServedFunction, ServedState } from './target.js'

/**
 * Called for a function's new code.
 * @param done settles when the code is ready, with the build's warnings
 * @param asked whether an invocation waits for the code; it is then told of a failure
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
  /** Whether invocations fall back to the last good build after a failed one. */
  readonly keepsGood: boolean
  readonly onReload: OnReload
  /** Called when the last invocation has left a retired slot. */
  onUnused(slot: Slot): void
}

/** One function's local code: built when first needed, and again after each change. */
export class Slot {
  readonly served: ServedFunction
  readonly found: boolean
  readonly source: FunctionSource
  readonly executor: Executor
  readonly overrides: Readonly<Record<string, string>> | undefined
  /** Whether its last invocation was answered before an acknowledgement was due. */
  quick = false
  readonly #options: SlotOptions
  /** The number of invocations that need it. */
  #users = 0
  /** Another slot, or none, serves the function now. */
  #retired = false
  /** The build that the next invocation waits for. */
  #current: Promise<FunctionBuild> | undefined
  /** The latest build, possibly still under way: one at a time. */
  #building: Promise<FunctionBuild> | undefined
  /** The last good build; its files stay as long as it is current. */
  #good: { readonly build: FunctionBuild; readonly held: Disposable | undefined } | undefined
  /** Why the current code could not be built. */
  #failed: TetherError | undefined
  /** Why the current code was built but could not be loaded ahead of an invocation. */
  #unloadable: TetherError | undefined
  #built = false
  /** The executor's part of the last reload: loading the code ahead of its first invocation. */
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

  /** Whether its code has been needed. */
  get loaded(): boolean {
    return this.#current !== undefined
  }

  /** The state of its code, for `functions.list`. */
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

  /** Registers an invocation that needs it, until `leave`. */
  enter(): void {
    this.#users++
  }

  leave(): void {
    this.#users--
    if (this.#retired && !this.used) this.#options.onUnused(this)
  }

  /** @param parent the invocation that needs the build */
  build(parent?: TraceContext): Promise<FunctionBuild> {
    if (this.#current === undefined) {
      this.#building = this.#build(parent)
      return this.#track(this.#askedFor(this.#building))
    }
    const good = this.#good
    if (good !== undefined && this.#options.keepsGood) return this.#current.catch(() => good.build)
    // Retries a failed build: a missing file may exist now.
    if (this.#failed === undefined) return this.#current
    return this.#askedFor(this.#load(parent))
  }

  /** Loads the code again for the next invocation. @throws TetherError `BUILD_FAILED` */
  async reload(): Promise<void> {
    const reloading = this.#reloaded()
    this.#options.onReload(this.#options.functionId, reloading, false)
    await reloading
  }

  /**
   * Stops serving; running invocations finish. Resolves when no build is under way.
   * @param successor the slot that takes its place
   */
  async retire(successor: Slot | undefined): Promise<void> {
    this.#retired = true
    this.stopWatching()
    // If the successor has the same executor, its code replaces this slot's code there.
    if (this.loaded && this.executor !== successor?.executor)
      this.executor.reload(this.#options.functionId).catch(() => {})
    await this.#current?.catch(() => {})
  }

  stopWatching(): void {
    this.#watcher?.[Symbol.dispose]()
    this.#watcher = undefined
  }

  /** Closes the source, which no other slot shares. */
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
      // Watches before the first load, so that no change in between is missed.
      if (!this.#retired) this.#watcher ??= this.source.watch?.(() => void this.reload().catch(() => {}))
      const build = checkBuild(await this.source.load())
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
    // If the code changed again meanwhile, wait for the newest to be loaded.
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

  // The new build replaces the old one before it is ready: invocations from now on wait for it.
  #load(parent?: TraceContext): Promise<FunctionBuild> {
    const load = async (): Promise<FunctionBuild> => {
      await this.#building?.catch(() => {})
      // Changed again while waiting: the build of the newest change includes both.
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

/** Checks the kind of a build: a host's own source may return anything. @throws TypeError */
function checkBuild(build: FunctionBuild): FunctionBuild {
  const kind: unknown = build?.kind
  if (kind === 'file' || kind === 'command' || kind === 'module') return build
  throw new TypeError(
    `load() must return a build whose kind is 'file', 'command' or 'module', not ${printable(JSON.stringify(kind))}.`,
  )
}
