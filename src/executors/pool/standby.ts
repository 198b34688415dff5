import type { Cancel, Clock } from '../../core/base/clock.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import type { LocalWorker, PrewarmedWorker, SpareWorker, WorkerOrigin } from './local-worker.js'
import { PrewarmedWorkers } from './prewarmed-workers.js'
import { fits, type Spare, SpareWorkers } from './spare-workers.js'

export interface StandbyOptions {
  /** Starts a worker with the origin's environment, and with what its build imports, but not its build. @default no spares */
  startSpare?(origin: WorkerOrigin): SpareWorker
  /** Whether anything of a build can be started before a save has made it. @default it can */
  canStandBy?(build: FunctionBuild): boolean
  /** Starts a worker for a function's first invocation, before anything is known of it. @default none is started ahead */
  startPrewarmed?(functionId: string): PrewarmedWorker
  /** For how many functions a spare stands by. @default 0 */
  spares?: number
  /** How long a worker lives without an invocation. */
  idleMs: number
}

/** What it needs of the pool. */
export interface StandbyHost {
  readonly clock: Clock
  /** Whether one more worker may live. */
  hasRoom(): boolean
  stop(worker: LocalWorker): void
}

/** The workers that run nothing yet: spares for the next save, prewarmed ones for a function's first invocation. */
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

  /** Starts a worker for a function that has none. */
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

  /** The worker that waited for this first invocation of its function, if one did. */
  begin(origin: WorkerOrigin): LocalWorker | undefined {
    const prewarmed = this.#prewarmed.remove(origin.functionId)
    if (prewarmed?.usable) {
      prewarmed.begin(origin)
      return prewarmed
    }
    this.#stop(prewarmed)
    return undefined
  }

  /** The function was used. True when it may have a spare and has none. */
  touch(functionId: string): boolean {
    return this.#spares.touch(functionId)
  }

  /** Starts a spare for one of a function's slots, unless it has one or there is no room. */
  standBy(slot: string, origin: WorkerOrigin): void {
    const { functionId, build } = origin
    if (this.#options.canStandBy?.(build) === false) return
    const worker = this.#spares.touch(functionId) ? this.#startSpare(origin) : undefined
    if (worker) this.#stop(this.#spares.add(functionId, { slot, origin, worker })?.worker)
  }

  /** The slot that the function's spare stands by for. */
  slotOf(functionId: string): string | undefined {
    return this.#spares.get(functionId)?.slot
  }

  /** The worker that will run a function's new code: its spare, or another, started now. Its spare is gone in either case. */
  inherit(functionId: string, origin: WorkerOrigin | undefined): SpareWorker | undefined {
    const spare: Spare | undefined = this.#spares.remove(functionId)
    if (spare && origin && fits(spare, origin)) return spare.worker
    this.#stop(spare?.worker)
    return origin && this.#spares.roomy ? this.#startSpare(origin) : undefined
  }

  /** Ends the function's spare. */
  removeSpare(functionId: string): void {
    this.#stop(this.#spares.remove(functionId)?.worker)
  }

  /** Ends one worker, if there is any. */
  giveWay(): boolean {
    const worker = this.#prewarmed.giveWay() ?? this.#spares.giveWay()?.worker
    this.#stop(worker)
    return worker !== undefined
  }

  /** Ends them all, and starts no more. */
  close(): void {
    this.#closed = true
    while (this.giveWay());
  }

  *workers(): Iterable<[functionId: string, worker: LocalWorker]> {
    for (const [functionId, { worker }] of this.#spares.values()) yield [functionId, worker]
    yield* this.#prewarmed.values()
  }

  /** The functions whose spare has loaded what it may. */
  ready(): Set<string> {
    const ready = [...this.#spares.values()].filter(([, { worker }]) => worker.ready && worker.usable)
    return new Set(ready.map(([functionId]) => functionId))
  }

  #startSpare(origin: WorkerOrigin): SpareWorker | undefined {
    if (this.#closed || !this.#host.hasRoom()) return undefined
    try {
      return this.#options.startSpare?.(origin)
    } catch {
      // Nobody asked for it; the next invocation's own worker has the same problem, and reports it.
      return undefined
    }
  }

  #stop(worker: LocalWorker | undefined): void {
    if (worker) this.#host.stop(worker)
  }
}
