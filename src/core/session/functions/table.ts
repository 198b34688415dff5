import { defined } from '../../base/defined.js'
import type { TetherError } from '../../base/errors.js'
import { didYouMean, listed, nearest } from '../../base/nearest.js'
import { checkText } from '../../base/option-checks.js'
import { invalidOption } from '../../base/options.js'
import { printable } from '../../base/printable.js'
import type { Executor } from '../../contracts/executor.js'
import type { DeclineEvent, EventTime } from '../events.js'
import { checkServeOptions, type ServeOptions } from './options.js'
import { type OnReload, Slot } from './slot.js'
import {
  type FunctionTarget,
  type ServedFunction,
  type ServedState,
  servedFunction,
  sourceOfTarget,
  type TargetParts,
  withoutExecutor,
} from './target.js'

/** The functions that a session serves; they can be changed while it is open. */
export interface SessionFunctions {
  /**
   * Serves a function with this target from now on. Running invocations finish on their old code. If the old code was
   * loaded, the new code is loaded at once, which counts as a `reload`.
   * @throws TetherError `INVALID_OPTION`; nothing is changed then
   */
  set(functionId: string, target: FunctionTarget | ServedFunction): void
  /**
   * Stops serving a function; running invocations finish. A look-up is asked again.
   * @returns whether it was served
   * @throws TetherError `INVALID_OPTION` before `serve`
   */
  delete(functionId: string): boolean
  /**
   * Asks the look-up again for every function that it has found. Changed functions are reloaded or no longer served.
   * Does nothing if `functions` was not a look-up.
   * @throws TetherError `INVALID_OPTION`, and any error of the look-up
   */
  refresh(): void
  /**
   * The served functions and the state of their code; with a look-up, the functions asked for so far. Empty before
   * `serve`.
   */
  list(): readonly ServedState[]
}

/** The reason why an invocation is declined. */
export type Declined = Omit<DeclineEvent, keyof EventTime>

/** Maps functions to the local code that serves them. */
export class FunctionTable implements SessionFunctions {
  readonly #options: ServeOptions
  readonly #parts: TargetParts
  readonly #slots = new Map<string, Slot>()
  /** No longer served; their sources are closed when no invocation needs them. */
  readonly #retired = new Set<Slot>()
  readonly #closing = new Set<Promise<void>>()
  readonly #executors = new Set<Executor>()
  readonly #onReload: OnReload
  #inline: Executor | undefined

  /**
   * @param onReload called for every reload and every other build
   * @throws TetherError `INVALID_OPTION`, naming the function
   */
  constructor(options: ServeOptions, parts: TargetParts, onReload: OnReload) {
    this.#options = options
    this.#parts = parts
    this.#onReload = onReload
    const { executor, functions, prewarm } = checkServeOptions(options)
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

  /** Builds the functions named by `prewarm`; a failed build is reported as a failed reload. */
  prewarm(): void {
    const { prewarm = [] } = this.#options
    const names = prewarm === true ? [...this.#slots.keys()] : prewarm
    for (const functionId of names) {
      this.#prewarm(functionId).catch((error) => this.#onReload(functionId, Promise.reject(error), false))
    }
  }

  /** @throws TetherError `INVALID_OPTION`, or any error of the user's look-up */
  find(functionId: string): Slot | undefined {
    const known = this.#slots.get(functionId)
    if (known !== undefined) return known
    const served = this.#lookUp(functionId)
    return served === undefined ? undefined : this.#add(functionId, served, true)
  }

  /** The reason for declining a function that `find` did not find. */
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
    this.#retire(slot)
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

  /**
   * Builds a function that was not needed so far, so that its changes are noticed.
   * @throws TetherError `INVALID_OPTION`
   */
  load(functionId: string): void {
    const slot = this.find(functionId)
    if (slot === undefined) throw this.#unserved('functionId', functionId)
    // The next reload reports a failure.
    if (!slot.loaded) slot.build().catch(() => {})
  }

  list(): readonly ServedState[] {
    return [...this.#slots.values()].map(({ state }) => state)
  }

  /** Reloads the function's code for the next invocation. @throws TetherError `INVALID_OPTION`, `BUILD_FAILED` */
  async reload(functionId: string): Promise<void> {
    checkText('functionId', functionId)
    this.find(functionId)
    const slot = this.#slots.get(functionId)
    if (slot === undefined) throw this.#unserved('functionId', functionId)
    await slot.reload()
  }

  async close(): Promise<void> {
    const slots = [...this.#slots.values(), ...this.#retired]
    await Promise.allSettled(slots.map(async (slot) => slot.stopWatching()))
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

  /** For messages: a function that is not served, with the name that it may be misspelt for. */
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
    this.#retire(old, slot)
    if (old.loaded) slot.reload().catch(() => {})
  }

  /** @param successor the slot that takes its place */
  #retire(slot: Slot, successor?: Slot): void {
    this.#retired.add(slot)
    // Closes later: a build under way needs the resources that closing frees.
    void slot.retire(successor).then(() => this.#closeRetired(slot))
  }

  #closeRetired(slot: Slot): void {
    if (slot.used || !this.#retired.delete(slot)) return
    const { source } = slot
    if ([...this.#slots.values(), ...this.#retired].some((other) => other.source === source)) return
    const closing = slot
      .close()
      .catch(() => {})
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  #add(functionId: string, served: ServedFunction, found: boolean): Slot {
    const { build, env, onBuildError } = this.#options
    const slot = new Slot({
      functionId,
      served,
      found,
      source: sourceOfTarget(`functions.${functionId}`, served, this.#parts, build),
      executor: this.#executor(functionId, served),
      overrides: overridesOf(env, served.env),
      keepsGood: onBuildError === 'keep',
      onReload: this.#onReload,
      onUnused: (unused) => this.#closeRetired(unused),
    })
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
}

function overridesOf(...variables: ServedFunction['env'][]): Readonly<Record<string, string>> | undefined {
  const overrides: Record<string, string> = Object.assign({}, ...variables.map((some) => defined(some ?? {})))
  return Object.keys(overrides).length === 0 ? undefined : overrides
}

/** Whether a look-up has returned the same as before. */
function isSame(one: ServedFunction, other: ServedFunction): boolean {
  if (one.target !== other.target || one.executor !== other.executor) return false
  if (String(one.taskRoot) !== String(other.taskRoot)) return false
  return JSON.stringify(one.env) === JSON.stringify(other.env)
}
