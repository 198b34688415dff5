import type { Cancel, Clock } from '../../core/base/clock.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import type { LocalWorker, PrewarmedWorker, SpareWorker, WorkerOrigin } from './local-worker.js'
import { PrewarmedWorkers } from './prewarmed-workers.js'
import { fits, type Spare, SpareWorkers } from './spare-workers.js'

export interface StandbyOptions {
  /**
   * Starts a worker with the origin's environment and its build's imports, but not the build itself.
   * @default no spares
   */
  startSpare?(origin: WorkerOrigin): SpareWorker
  /** Whether a worker for a build can start before the build exists. @default true */
  canStandBy?(build: FunctionBuild): boolean
  /** Starts a worker for a function's first invocation, before its origin is known. @default no prewarmed workers */
  startPrewarmed?(functionId: string): PrewarmedWorker
  /** The number of functions with a spare. @default 0 */
  spares?: number
  /** Milliseconds that a worker lives without an invocation. */
  idleMs: number
}

/** The part of the pool that {@link Standby} uses. */
export interface StandbyHost {
  readonly clock: Clock
  /** Whether one more worker may live. */
  hasRoom(): boolean
  stop(worker: LocalWorker): void
}

/** Workers without invocations: spares for the next save, and prewarmed workers for a function's first invocation. */
export class Standby {
  readonly #options: StandbyOptions
  readonly #host: StandbyHost
  readonly #spares: SpareWorkers
  readonly #prewarmed = new PrewarmedWorkers()
  #closed = false

  constructor(options: StandbyOptions, host: StandbyHost) {
    this.#options = options
    this.#host = host
    this.#spares = new SpareWorkers(options.startSpare ? (options.spares ?? 0) : 0)
  }

  /** Starts a worker for a function without workers. */
  prewarm(functionId: string): void {
    const { startPrewarmed, idleMs } = this.#options
    if (!startPrewarmed || this.#closed || !this.#host.hasRoom()) return
    const cancel: Cancel = this.#host.clock.schedule(idleMs, () =>
      this.#stop(this.#prewarmed.remove(functionId)),
    )
    this.#prewarmed.add(functionId, startPrewarmed(functionId), cancel)
  }

  isPrewarmed(functionId: string): boolean {
    return this.#prewarmed.has(functionId)
  }

  /** Returns the worker prewarmed for this first invocation of its function, if any. */
  begin(origin: WorkerOrigin): LocalWorker | undefined {
    const prewarmed = this.#prewarmed.remove(origin.functionId)
    if (prewarmed?.usable) {
      prewarmed.begin(origin)
      return prewarmed
    }
    this.#stop(prewarmed)
    return undefined
  }

  /** Marks the function as used. Returns true if it may have a spare but has none. */
  touch(functionId: string): boolean {
    return this.#spares.touch(functionId)
  }

  /** Starts a spare for one of a function's slots, unless there is a spare already or no room. */
  standBy(slot: string, origin: WorkerOrigin): void {
    const { functionId, build } = origin
    if (this.#options.canStandBy?.(build) === false) return
    const worker = this.#spares.touch(functionId) ? this.#startSpare(origin) : undefined
    if (worker) this.#stop(this.#spares.add(functionId, { slot, origin, worker })?.worker)
  }

  /** The slot of the function's spare. */
  slotOf(functionId: string): string | undefined {
    return this.#spares.get(functionId)?.slot
  }

  /** Returns the worker for a function's new code: its spare, or a new one. The function has no spare afterwards. */
  inherit(functionId: string, origin: WorkerOrigin | undefined): SpareWorker | undefined {
    const spare: Spare | undefined = this.#spares.remove(functionId)
    if (spare && origin && fits(spare, origin)) return spare.worker
    this.#stop(spare?.worker)
    return origin && this.#spares.roomy ? this.#startSpare(origin) : undefined
  }

  /** Stops the function's spare. */
  removeSpare(functionId: string): void {
    this.#stop(this.#spares.remove(functionId)?.worker)
  }

  /** Stops one worker, if there is any. */
  giveWay(): boolean {
    const worker = this.#prewarmed.giveWay() ?? this.#spares.giveWay()?.worker
    this.#stop(worker)
    return worker !== undefined
  }

  /** Stops all workers, and starts no more. */
  close(): void {
    this.#closed = true
    while (this.giveWay());
  }

  *workers(): Iterable<[functionId: string, worker: LocalWorker]> {
    for (const [functionId, { worker }] of this.#spares.values()) yield [functionId, worker]
    yield* this.#prewarmed.values()
  }

  /** The functions with a ready spare. */
  ready(): Set<string> {
    const ready = [...this.#spares.values()].filter(([, { worker }]) => worker.ready && worker.usable)
    return new Set(ready.map(([functionId]) => functionId))
  }

  #startSpare(origin: WorkerOrigin): SpareWorker | undefined {
    if (this.#closed || !this.#host.hasRoom()) return undefined
    try {
      return this.#options.startSpare?.(origin)
    } catch {
      // A spare is optional: the next invocation's own worker meets the same problem, and reports it.
      return undefined
    }
  }

  #stop(worker: LocalWorker | undefined): void {
    if (worker) this.#host.stop(worker)
  }
}
