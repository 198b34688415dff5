import { type Cancel, type Clock, systemClock } from '../core/clock.js'
import { abortError, TetherError, throwIfAborted } from '../core/errors.js'
import type { Outcome, Task } from '../core/executor.js'
import type { FunctionBuild } from '../core/function-source.js'
import type { AbortOptions } from '../core/transport.js'
import { timedOut } from './execution-errors.js'

/** One thread or process that runs the code of one execution environment, one invocation at a time. */
export interface LocalWorker {
  /** False once it ended, or must not get another invocation. */
  readonly usable: boolean
  /**
   * Runs one invocation; never rejects, and settles when the worker ends. `undefined` means that the worker
   * ended before user code saw the invocation, so that another may run it.
   */
  run(task: Task): Promise<Outcome | undefined>
  /** Ends it at once, whatever runs in it. Idempotent; resolves when nothing of it is left. */
  stop(): Promise<void>
}

export interface WorkerPoolOptions {
  /** Starts the worker that will run `task` first. */
  start(task: Task): LocalWorker
  /** How many workers may live at once; further environments wait for an idle one to give way. */
  maxWorkers: number
  /** How long a worker lives without an invocation. */
  idleMs: number
  /** @default the machine's clock */
  clock?: Clock
}

/** An invocation on its way through the pool. */
interface Job {
  readonly task: Task
  /** Settles the caller's promise once and stops its timers; true the first time. */
  settle(end: Outcome | Error): boolean
}

/** One remote execution environment's place on this machine. */
interface Place {
  readonly key: string
  readonly functionId: string
  readonly queue: Job[]
  running: Job | undefined
  worker: LocalWorker | undefined
  /** What `worker` was started for. */
  build: FunctionBuild | undefined
  cancelExpiry: Cancel
}

const nothing = () => {}

/**
 * Keeps one worker for each execution environment, gives it one invocation at a time, replaces it when it ended
 * or its code changed, and ends it when the invocation's time is up, its caller gives up, or it has been idle.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #clock: Clock
  readonly #places = new Map<string, Place>()
  /** Places with an invocation and no worker, because `maxWorkers` live; the first has waited longest. */
  readonly #waiting = new Set<Place>()
  readonly #unsettled = new Set<Promise<unknown>>()
  readonly #stopping = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
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
        settle: (end) => {
          if (settled) return false
          settled = true
          cancelDeadline()
          signal?.removeEventListener('abort', onAbort)
          if (end instanceof Error) reject(end)
          else resolve(end)
          return true
        },
      }
      const onAbort = () => this.#giveUp(place, job, abortError(signal as AbortSignal))
      const cancelDeadline = this.#clock.schedule(timeLimitMs, () =>
        this.#giveUp(place, job, timedOut(task, timeLimitMs)),
      )
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

  /** Idle workers of the function end now, busy ones after what they run. */
  reload(functionId: string): void {
    for (const place of this.#places.values()) {
      if (place.functionId !== functionId) continue
      if (place.running) place.build = undefined
      else this.#retire(place)
    }
  }

  /** See `Executor.close`. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#unsettled)
      for (const place of this.#places.values()) this.#remove(place)
      await Promise.all(this.#stopping)
    })()
    return this.#closing
  }

  #placeOf(task: Task): Place {
    const key = `${task.functionId}\0${task.environmentId}`
    let place = this.#places.get(key)
    if (!place) {
      place = {
        key,
        functionId: task.functionId,
        queue: [],
        running: undefined,
        worker: undefined,
        build: undefined,
        cancelExpiry: nothing,
      }
      this.#places.set(key, place)
    }
    return place
  }

  /** Starts the next invocation of a place, if it has one, is free, and has or may have a worker. */
  #advance(place: Place): void {
    const job = place.queue[0]
    if (place.running || !job) return
    if (place.worker && !(place.worker.usable && sameBuild(place.build, job.task.build))) this.#retire(place)
    if (!place.worker && !this.#makeRoom()) {
      this.#waiting.add(place)
      return
    }
    place.cancelExpiry()
    place.cancelExpiry = nothing
    place.queue.shift()
    place.running = job
    // To the end: the map is in the order of last use.
    this.#places.delete(place.key)
    this.#places.set(place.key, place)
    if (!place.worker) {
      try {
        place.worker = this.#options.start(job.task)
        place.build = job.task.build
      } catch (error) {
        job.settle(error instanceof Error ? error : new TetherError('EXECUTION_FAILED', String(error)))
        this.#finished(place)
        return
      }
    }
    void place.worker.run(job.task).then((outcome) => {
      // Somebody gave up on it meanwhile, and the place has moved on.
      if (place.running !== job) return
      if (outcome) job.settle(outcome)
      else place.queue.unshift(job)
      this.#finished(place)
    })
  }

  /** The invocation's time is up, or nobody wants its answer any more. */
  #giveUp(place: Place, job: Job, end: Outcome | Error): void {
    if (!job.settle(end)) return
    if (place.running === job) {
      this.#retire(place)
      this.#finished(place)
      return
    }
    place.queue.splice(place.queue.indexOf(job), 1)
    if (place.queue.length === 0) this.#waiting.delete(place)
    if (!place.worker && place.queue.length === 0) this.#remove(place)
  }

  #finished(place: Place): void {
    place.running = undefined
    if (place.worker && !(place.worker.usable && place.build)) this.#retire(place)
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
    if (place.running || place.queue.length > 0) return
    if (!place.worker) this.#remove(place)
    else place.cancelExpiry = this.#clock.schedule(this.#options.idleMs, () => this.#remove(place))
  }

  /** Whether one more worker may start; the worker that has been idle longest gives way when there are too many. */
  #makeRoom(): boolean {
    const workers = [...this.#places.values()].filter((place) => place.worker)
    if (workers.length < this.#options.maxWorkers) return true
    const idle = workers.find((place) => !place.running)
    if (!idle) return false
    if (idle.queue.length === 0) this.#remove(idle)
    else this.#retire(idle)
    return true
  }

  #retire(place: Place): void {
    const { worker } = place
    if (!worker) return
    place.worker = undefined
    place.build = undefined
    const stopped = worker.stop().finally(() => this.#stopping.delete(stopped))
    this.#stopping.add(stopped)
  }

  #remove(place: Place): void {
    place.cancelExpiry()
    place.cancelExpiry = nothing
    this.#retire(place)
    this.#waiting.delete(place)
    this.#places.delete(place.key)
  }
}

function sameBuild(a: FunctionBuild | undefined, b: FunctionBuild): boolean {
  if (a?.kind !== 'file' || b.kind !== 'file') return false
  return a.path === b.path && a.exportName === b.exportName
}
