import { type Clock, systemClock } from '../core/clock.js'
import { abortError, TetherError, throwIfAborted } from '../core/errors.js'
import type { ExecutorStats, Outcome, Task } from '../core/executor.js'
import type { FunctionBuild } from '../core/function-source.js'
import type { AbortOptions } from '../core/transport.js'
import { endUnlessPaused } from './debug-pause.js'
import type { DebugTarget } from './debug-target.js'
import { timedOut } from './execution-errors.js'
import { FunctionCounts } from './function-counts.js'
import type { LocalWorker, SpareWorker, WorkerOrigin } from './local-worker.js'
import { emptyPlace, type Job, type Place, PlacedWorker } from './place.js'
import { Standby, type StandbyOptions } from './standby.js'

export type { LocalWorker } from './local-worker.js'

export interface WorkerPoolOptions extends StandbyOptions {
  /** Starts the worker that will run `task` first. */
  start(task: Task): LocalWorker
  /** How many workers may live at once, spares included; further environments wait for an idle one to give way. */
  maxWorkers: number
  /** @default the machine's clock */
  clock?: Clock
}

/** A spare is started so long after an answer, which has to leave first, or a reload, whose code is there to be run. */
const STAND_BY_DELAY_MS = 20
/** How long Lambda lets a module load; no reload waits longer for one that never ends. */
const LOAD_LIMIT_MS = 10_000

/**
 * Keeps one worker for each execution environment, gives it one invocation at a time, replaces it when it ended
 * or its code changed, and ends it when the invocation's time is up, its caller gives up, or it has been idle.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #clock: Clock
  /** In the order of last use. */
  readonly #places = new Map<string, Place>()
  readonly #standby: Standby
  readonly #counts = new FunctionCounts()
  /** Places with an invocation and no worker, because `maxWorkers` live; the first has waited longest. */
  readonly #waiting = new Set<Place>()
  readonly #unsettled = new Set<Promise<unknown>>()
  /** Invocations whose time is up and which go on, because a debugger may have paused them, and what ends each. */
  readonly #held = new Map<Job, () => void>()
  readonly #stopping = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#standby = new Standby(options, {
      clock: this.#clock,
      hasRoom: () => this.#size() < options.maxWorkers,
      stop: (worker) => this.#stop(worker),
    })
  }

  /** See `Executor.execute`. */
  async execute(task: Task, options: AbortOptions = {}): Promise<Outcome> {
    if (this.#closing) throw new TetherError('CLOSED', 'The executor is closed.')
    throwIfAborted(options.signal)
    const timeLimitMs = Math.max(0, task.deadline - this.#clock.now())
    if (timeLimitMs === 0) return timedOut(task, 0)

    const place = this.#placeOf(task)
    const ended = new Promise<Outcome>((resolve, reject) => {
      const { signal } = options
      let settled = false
      const job: Job = {
        task,
        cancelEnd: this.#clock.schedule(timeLimitMs, () =>
          this.#timeUp(place, job, timeLimitMs, timedOut(task, timeLimitMs)),
        ),
        settle: (end) => {
          if (settled) return false
          settled = true
          job.cancelEnd()
          this.#held.delete(job)
          signal?.removeEventListener('abort', onAbort)
          if (end instanceof Error) reject(end)
          else resolve(end)
          return true
        },
      }
      const onAbort = () => {
        const error = abortError(signal as AbortSignal)
        if (error.code === 'DEADLINE') this.#timeUp(place, job, timeLimitMs, error)
        else this.#giveUp(place, job, error)
      }
      signal?.addEventListener('abort', onAbort)
      place.queue.push(job)
    })
    this.#unsettled.add(ended)
    this.#advance(place)
    try {
      return await ended
    } finally {
      this.#unsettled.delete(ended)
    }
  }

  /**
   * See `Executor.reload`. Of a function's environments one inherits its spare, which loads the new code at once; of the
   * others, idle workers end now, busy ones after what they run.
   */
  async reload(functionId: string, build?: FunctionBuild): Promise<void> {
    this.#counts.reload(functionId)
    const places = [...this.#places.values()].filter((place) => place.functionId === functionId)
    const spareFor = this.#standby.placeOf(functionId)
    const heir = places.find(({ key }) => key === spareFor) ?? places.findLast(({ placed }) => placed)
    const outgoing: PlacedWorker[] = []
    for (const place of places) {
      if (build) for (const job of place.queue) job.task = { ...job.task, build }
      this.#retire(place, 'next')
      if (place.running) place.placed?.outdate()
      else if (place.placed) outgoing.push(place.placed)
      if (!place.running) place.placed = undefined
    }
    const origin = build && heir?.last && !this.#closing ? { ...heir.last, build } : undefined
    const worker = this.#standby.inherit(functionId, origin)
    const loading = heir && origin && worker ? this.#succeed(heir, worker, origin) : undefined
    // Ending a thread takes what the new one needs to be quick.
    for (const old of outgoing) this.#stop(loading ? { stop: () => loading.then(() => old.stop()) } : old)
    await loading
  }

  /** Has a worker load a function's new code for the environment that inherits it. */
  async #succeed(heir: Place, worker: SpareWorker, origin: WorkerOrigin): Promise<void> {
    heir.last = origin
    heir[heir.running ? 'next' : 'placed'] = new PlacedWorker(worker, origin)
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.schedule(LOAD_LIMIT_MS, resolve)
      void worker.load(origin.build).then(cancel).then(resolve)
    })
    // Unless it was changed again meanwhile.
    if (heir.last === origin) this.#standByLater(heir)
  }

  /** See `Executor.prewarm`. */
  prewarm(functionId: string): void {
    if ([...this.#workers()].some(([other]) => other === functionId)) return
    this.#counts.know(functionId)
    this.#standby.prewarm(functionId)
  }

  /** See `Executor.stats`. */
  stats(): Record<string, ExecutorStats> {
    return this.#counts.stats(this.#workers(), this.#standby.ready())
  }

  /** The function's workers that have code, the one used last first. */
  debugTargets(functionId: string): DebugTarget[] {
    const places = [...this.#places.values()].filter((place) => place.functionId === functionId).reverse()
    const targets = places.flatMap(({ placed, next }) => [placed?.worker.debug, next?.worker.debug])
    return targets.filter((target) => target?.reachable === true) as DebugTarget[]
  }

  /** See `Executor.close`. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#standby.close()
      for (const giveUp of this.#held.values()) giveUp()
      await Promise.allSettled(this.#unsettled)
      for (const place of this.#places.values()) this.#remove(place)
      await Promise.all(this.#stopping)
    })()
    return this.#closing
  }

  #placeOf({ functionId, environmentId }: Task): Place {
    const key = `${functionId}\0${environmentId}`
    let place = this.#places.get(key)
    if (!place) {
      place = emptyPlace(key, functionId)
      this.#places.set(key, place)
    }
    return place
  }

  /** Starts the next invocation of a place, if it has one, is free, and has or may have a worker. */
  #advance(place: Place): void {
    const job = place.queue[0]
    if (place.running || !job) return
    if (place.placed && !place.placed.suits(job.task)) this.#retire(place, 'placed')
    if (!place.placed && !this.#standby.isPrewarmed(place.functionId) && !this.#makeRoom()) {
      this.#waiting.add(place)
      return
    }
    place.cancelExpiry()
    place.queue.shift()
    place.running = job
    // To the end: the map is in the order of last use.
    this.#places.delete(place.key)
    this.#places.set(place.key, place)
    const { functionId, environmentId, build, context, env } = job.task
    place.last = { functionId, environmentId, build, context, env }
    if (!place.placed) {
      try {
        const worker = this.#standby.begin(place.last) ?? this.#options.start(job.task)
        place.placed = new PlacedWorker(worker, place.last)
        this.#counts.coldStart(functionId)
      } catch (error) {
        job.settle(error instanceof Error ? error : new TetherError('EXECUTION_FAILED', String(error)))
        this.#finished(place)
        return
      }
    }
    void place.placed.run(job.task).then((outcome) => {
      // Somebody gave up on it meanwhile, and the place has moved on.
      if (place.running !== job) return
      if (outcome) job.settle(outcome)
      else place.queue.unshift(job)
      this.#finished(place)
    })
  }

  /** The invocation's time is up, by this machine's clock or its caller's; what a debugger has paused stays for now. */
  #timeUp(place: Place, job: Job, timeLimitMs: number, end: Outcome | Error): void {
    if (this.#held.has(job)) return
    const giveUp = () => this.#giveUp(place, job, end)
    const target = place.running === job ? place.placed?.worker.debug : undefined
    if (!target?.attached || this.#closing) return giveUp()
    job.cancelEnd()
    this.#held.set(job, giveUp)
    job.cancelEnd = endUnlessPaused({ target, clock: this.#clock, timeLimitMs, end: giveUp })
  }

  /** The invocation's time is up, or nobody wants its answer any more. */
  #giveUp(place: Place, job: Job, end: Outcome | Error): void {
    if (!job.settle(end)) return
    if (place.running === job) {
      this.#retire(place, 'placed')
      this.#finished(place)
      return
    }
    place.queue.splice(place.queue.indexOf(job), 1)
    if (place.queue.length === 0) this.#waiting.delete(place)
    if (!place.placed && place.queue.length === 0) this.#remove(place)
  }

  #finished(place: Place): void {
    place.running = undefined
    if (place.placed && !place.placed.usable) this.#retire(place, 'placed')
    if (!place.placed && place.next) {
      place.placed = place.next
      place.next = undefined
    }
    // Who has waited longest goes first; this place joins the end, so that one busy environment starves none.
    if (this.#waiting.size > 0) {
      if (place.queue.length > 0) this.#waiting.add(place)
      for (const next of [...this.#waiting]) {
        this.#waiting.delete(next)
        this.#advance(next)
      }
    } else {
      this.#advance(place)
    }
    if (this.#standby.touch(place.functionId)) this.#standByLater(place)
    if (place.running || place.queue.length > 0) return
    if (!place.placed) this.#remove(place)
    else place.cancelExpiry = this.#clock.schedule(this.#options.idleMs, () => this.#remove(place))
  }

  #standByLater(place: Place): void {
    place.cancelStandBy()
    place.cancelStandBy = this.#clock.schedule(STAND_BY_DELAY_MS, () => this.#standBy(place))
  }

  /** Starts a spare for the function of a place whose worker does well. */
  #standBy({ key, last, placed, next }: Place): void {
    if (last && (next ?? placed)?.usable) this.#standby.standBy(key, last)
  }

  *#workers(): Iterable<[functionId: string, worker: LocalWorker]> {
    for (const { functionId, placed, next } of this.#places.values()) {
      if (placed) yield [functionId, placed.worker]
      if (next) yield [functionId, next.worker]
    }
    yield* this.#standby.workers()
  }

  #size(): number {
    return [...this.#workers()].length
  }

  /** Whether one more worker may start: when there are too many, what runs nothing yet gives way, then the worker idle longest. */
  #makeRoom(): boolean {
    if (this.#size() < this.#options.maxWorkers) return true
    if (this.#standby.giveWay()) return true
    const places = [...this.#places.values()]
    const ahead = places.find((place) => place.next)
    if (ahead) {
      this.#retire(ahead, 'next')
      return true
    }
    const idle = places.find((place) => place.placed && !place.running)
    if (!idle) return false
    if (idle.queue.length === 0) this.#remove(idle)
    else this.#retire(idle, 'placed')
    return true
  }

  #retire(place: Place, which: 'placed' | 'next'): void {
    const placed = place[which]
    if (!placed) return
    place[which] = undefined
    this.#stop(placed)
  }

  #stop(worker: { stop(): Promise<void> }): void {
    const stopped = worker.stop().finally(() => this.#stopping.delete(stopped))
    this.#stopping.add(stopped)
  }

  #remove(place: Place): void {
    place.cancelExpiry()
    place.cancelStandBy()
    this.#retire(place, 'placed')
    this.#retire(place, 'next')
    if (this.#standby.placeOf(place.functionId) === place.key) this.#standby.removeSpare(place.functionId)
    this.#waiting.delete(place)
    this.#places.delete(place.key)
  }
}
