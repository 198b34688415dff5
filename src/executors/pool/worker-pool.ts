import { type Clock, systemClock } from '../../core/base/clock.js'
import { abortError, type LambdaError, TetherError, throwIfAborted } from '../../core/base/errors.js'
import type { Answer, ExecutorStats, Outcome, Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import { endUnlessPaused } from '../debug/pause.js'
import type { DebugTarget } from '../debug/target.js'
import { timedOut } from '../execution-errors.js'
import { loadFailed } from '../load-failure.js'
import { AssignedWorker, type EnvironmentSlot, emptySlot } from './environment-slot.js'
import { FunctionCounts } from './function-counts.js'
import { Job, readerLeft } from './job.js'
import type { LocalStream, LocalWorker, SpareWorker, WorkerOrigin } from './local-worker.js'
import { Standby, type StandbyOptions } from './standby.js'
import { WaitingSlots } from './waiting-slots.js'

export type { LocalWorker } from './local-worker.js'

export interface WorkerPoolOptions extends StandbyOptions {
  /** Starts the worker for `task`, its first invocation. */
  start(task: Task): LocalWorker
  /** The maximum number of live workers, including spares; further environments wait for an idle worker to give way. */
  maxWorkers: number
  /** @default the system clock */
  clock?: Clock
}

/**
 * The delay before a spare starts. After an answer, the answer must leave first; after a reload, the new code may be
 * run first.
 */
const STAND_BY_DELAY_MS = 20
/** Lambda's limit for loading a module. A reload waits no longer. */
const LOAD_LIMIT_MS = 10_000

/**
 * Keeps one worker for each execution environment and runs one invocation at a time in it. Replaces a worker that has
 * ended or has outdated code. Ends a worker when its invocation runs out of time or is aborted, or when it has been
 * idle too long.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #clock: Clock
  /** In order of last use. */
  readonly #slots = new Map<string, EnvironmentSlot>()
  readonly #standby: Standby
  readonly #counts = new FunctionCounts()
  readonly #waiting: WaitingSlots
  readonly #unsettled = new Set<Job>()
  /**
   * Invocations past their deadline that continue because a debugger may have paused them, with a function that ends
   * each.
   */
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
    this.#waiting = new WaitingSlots({
      clock: this.#clock,
      maxWorkers: options.maxWorkers,
      live: () => this.#size(),
      running: () =>
        [...this.#slots.values()].flatMap(({ running, functionId }) => (running ? functionId : [])),
      onStalled: () => this.#advanceWaiting(),
    })
  }

  /** See `Executor.execute`. */
  async execute(task: Task, options: AbortOptions = {}): Promise<Outcome> {
    if (this.#closing) throw new TetherError('CLOSED', 'The executor is closed.')
    throwIfAborted(options.signal)
    const timeLimitMs = Math.max(0, task.deadline - this.#clock.now())
    if (timeLimitMs === 0) return timedOut(task, 0)

    const slot = this.#slotOf(task)
    const job = new Job(task)
    const timeUp = (end: Answer | Error) => this.#timeUp(slot, job, timeLimitMs, end)
    job.cancelEnd = this.#clock.schedule(timeLimitMs, () => timeUp(timedOut(task, timeLimitMs)))
    job.listen(options.signal, (signal) => {
      const error = abortError(signal)
      if (error.code === 'DEADLINE') timeUp(error)
      else this.#giveUp(slot, job, error)
    })
    slot.queue.push(job)
    this.#unsettled.add(job)
    void job.over.then(() => {
      this.#held.delete(job)
      this.#unsettled.delete(job)
    })
    this.#advance(slot)
    return job.outcome
  }

  /**
   * See `Executor.reload`. One of the function's environments inherits the spare, which loads the new code at once. In
   * the other environments, idle workers end now, and busy workers after their invocation.
   */
  async reload(functionId: string, build?: FunctionBuild): Promise<void> {
    this.#counts.reload(functionId)
    const slots = [...this.#slots.values()].filter((slot) => slot.functionId === functionId)
    const spareFor = this.#standby.slotOf(functionId)
    const successor =
      slots.find(({ key }) => key === spareFor) ?? slots.findLast(({ assigned }) => assigned) ?? slots.at(-1)
    const outgoing: AssignedWorker[] = []
    for (const slot of slots) {
      if (build) for (const job of slot.queue) job.task = { ...job.task, build }
      this.#retire(slot, 'next')
      if (slot.running) slot.assigned?.outdate()
      else if (slot.assigned) outgoing.push(slot.assigned)
      if (!slot.running) slot.assigned = undefined
    }
    const origin = build && successor?.last && !this.#closing ? { ...successor.last, build } : undefined
    const worker = this.#standby.inherit(functionId, origin)
    const loading = successor && origin && worker ? this.#succeed(successor, worker, origin) : undefined
    // Ending a thread takes time from the new worker: wait until it has loaded.
    for (const old of outgoing) this.#stop(loading ? { stop: () => loading.then(() => old.stop()) } : old)
    const error = await loading
    if (error) throw loadFailed(error)
  }

  /**
   * Makes a worker load a function's new code for the environment that inherits it. Resolves with the error if it
   * cannot be loaded.
   */
  async #succeed(
    successor: EnvironmentSlot,
    worker: SpareWorker,
    origin: WorkerOrigin,
  ): Promise<LambdaError | undefined> {
    successor.last = origin
    successor[successor.running ? 'next' : 'assigned'] = new AssignedWorker(worker, origin)
    const error = await new Promise<LambdaError | undefined>((resolve) => {
      const cancel = this.#clock.schedule(LOAD_LIMIT_MS, () => resolve(undefined))
      void worker.load(origin.build).then((failure) => {
        cancel()
        resolve(failure)
      })
    })
    // The code has changed again in the meantime.
    if (successor.last !== origin) return undefined
    this.#standByLater(successor)
    return error
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

  /** The function's workers with code, most recently used first. */
  debugTargets(functionId: string): DebugTarget[] {
    const slots = [...this.#slots.values()].filter((slot) => slot.functionId === functionId).reverse()
    const targets = slots.flatMap(({ assigned, next }) => [assigned?.worker.debug, next?.worker.debug])
    return targets.filter((target) => target?.reachable === true) as DebugTarget[]
  }

  /** See `Executor.close`. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#standby.close()
      for (const giveUp of this.#held.values()) giveUp()
      await Promise.all([...this.#unsettled].map(({ over }) => over))
      for (const slot of this.#slots.values()) this.#remove(slot)
      await Promise.all(this.#stopping)
    })()
    return this.#closing
  }

  #slotOf({ functionId, environmentId }: Task): EnvironmentSlot {
    const key = `${functionId}\0${environmentId}`
    let slot = this.#slots.get(key)
    if (!slot) {
      slot = emptySlot(key, functionId)
      this.#slots.set(key, slot)
    }
    return slot
  }

  /** Starts the next invocation of a slot that is free. Returns false if it must wait for a worker. */
  #advance(slot: EnvironmentSlot): boolean {
    const job = slot.queue[0]
    if (slot.running || !job) {
      this.#waiting.delete(slot)
      return true
    }
    if (slot.assigned && !slot.assigned.suits(job.task)) this.#retire(slot, 'assigned')
    if (!slot.assigned && !this.#standby.isPrewarmed(slot.functionId) && !this.#makeRoom()) {
      this.#waiting.add(slot)
      return false
    }
    this.#waiting.delete(slot)
    slot.cancelExpiry()
    slot.queue.shift()
    slot.running = job
    // Move the slot to the end: the map is in order of last use.
    this.#slots.delete(slot.key)
    this.#slots.set(slot.key, slot)
    const { functionId, environmentId, build, context, env, overrides } = job.task
    slot.last = { functionId, environmentId, build, context, env, overrides }
    if (!slot.assigned) {
      try {
        const worker = this.#standby.begin(slot.last) ?? this.#options.start(job.task)
        slot.assigned = new AssignedWorker(worker, slot.last)
        this.#counts.coldStart(functionId)
      } catch (error) {
        job.settle(error instanceof Error ? error : new TetherError('EXECUTION_FAILED', String(error)))
        this.#finished(slot)
        return true
      }
    }
    job.task.onPhase?.('assigned')
    void this.#run(slot, slot.assigned, job)
    return true
  }

  async #run(slot: EnvironmentSlot, worker: AssignedWorker, job: Job): Promise<void> {
    const outcome = await worker.run(job.task)
    // If the invocation was given up in the meantime, the slot has moved on.
    if (slot.running !== job) return
    if (outcome?.kind === 'stream') return this.#stream(slot, job, outcome)
    if (outcome) job.settle(outcome)
    else slot.queue.unshift(job)
    this.#finished(slot)
  }

  async #stream(slot: EnvironmentSlot, job: Job, stream: LocalStream): Promise<void> {
    job.begin(stream)
    void stream.body.returned.then(() => this.#giveUp(slot, job, readerLeft()))
    await stream.over
    if (slot.running !== job) return
    job.settle(undefined)
    this.#finished(slot)
  }

  #advanceWaiting(): void {
    for (let next = this.#waiting.next(); next; next = this.#waiting.next()) {
      if (!this.#advance(next)) return
    }
  }

  /**
   * Ends an invocation that is out of time, by this machine's clock or its caller's, unless a debugger has paused it.
   */
  #timeUp(slot: EnvironmentSlot, job: Job, timeLimitMs: number, end: Answer | Error): void {
    if (this.#held.has(job)) return
    const giveUp = () => this.#giveUp(slot, job, end)
    const target = slot.running === job ? slot.assigned?.worker.debug : undefined
    if (!target?.attached || this.#closing) return giveUp()
    job.cancelEnd()
    this.#held.set(job, giveUp)
    job.cancelEnd = endUnlessPaused({ target, clock: this.#clock, timeLimitMs, end: giveUp })
  }

  /** Ends an invocation that is out of time or no longer wanted. */
  #giveUp(slot: EnvironmentSlot, job: Job, end: Answer | Error): void {
    if (!job.settle(end)) return
    if (slot.running === job) {
      this.#retire(slot, 'assigned')
      this.#finished(slot)
      return
    }
    slot.queue.splice(slot.queue.indexOf(job), 1)
    if (slot.queue.length === 0) this.#waiting.delete(slot)
    if (!slot.assigned && slot.queue.length === 0) this.#remove(slot)
  }

  #finished(slot: EnvironmentSlot): void {
    slot.running = undefined
    if (slot.assigned && !slot.assigned.usable) this.#retire(slot, 'assigned')
    if (!slot.assigned && slot.next) {
      slot.assigned = slot.next
      slot.next = undefined
    }
    // The slot goes to the end, so that a busy environment does not starve the others.
    if (this.#waiting.size > 0 && slot.queue.length > 0) this.#waiting.add(slot)
    else this.#advance(slot)
    this.#waiting.progress()
    this.#advanceWaiting()
    if (this.#standby.touch(slot.functionId)) this.#standByLater(slot)
    if (slot.running || slot.queue.length > 0) return
    // A slot without a worker stays after a failure: the next reload loads the new code for it. A removed slot gets no
    // timer.
    if (this.#waiting.crowded) this.#remove(slot)
    else if (this.#slots.get(slot.key) === slot)
      slot.cancelExpiry = this.#clock.schedule(this.#options.idleMs, () => this.#remove(slot))
  }

  #standByLater(slot: EnvironmentSlot): void {
    slot.cancelStandBy()
    slot.cancelStandBy = this.#clock.schedule(STAND_BY_DELAY_MS, () => this.#standBy(slot))
  }

  /** Starts a spare for the function of a slot with a usable worker. */
  #standBy({ key, last, assigned, next }: EnvironmentSlot): void {
    if (last && (next ?? assigned)?.usable) this.#standby.standBy(key, last)
  }

  *#workers(): Iterable<[functionId: string, worker: LocalWorker]> {
    for (const { functionId, assigned, next } of this.#slots.values()) {
      if (assigned) yield [functionId, assigned.worker]
      if (next) yield [functionId, next.worker]
    }
    yield* this.#standby.workers()
  }

  #size(): number {
    return [...this.#workers()].length
  }

  /**
   * Tries to make room for one more worker. At the limit, a standby worker gives way first, then the worker that has
   * been idle longest.
   */
  #makeRoom(): boolean {
    if (this.#size() < this.#waiting.limit) return true
    if (this.#standby.giveWay()) return true
    const slots = [...this.#slots.values()]
    const ahead = slots.find((slot) => slot.next)
    if (ahead) {
      this.#retire(ahead, 'next')
      return true
    }
    const idle = slots.find((slot) => slot.assigned && !slot.running)
    if (!idle) return false
    if (idle.queue.length === 0) this.#remove(idle)
    else this.#retire(idle, 'assigned')
    return true
  }

  #retire(slot: EnvironmentSlot, which: 'assigned' | 'next'): void {
    const assigned = slot[which]
    if (!assigned) return
    slot[which] = undefined
    this.#stop(assigned)
  }

  #stop(worker: { stop(): Promise<void> }): void {
    const stopped = worker.stop().finally(() => this.#stopping.delete(stopped))
    this.#stopping.add(stopped)
  }

  #remove(slot: EnvironmentSlot): void {
    slot.cancelExpiry()
    slot.cancelStandBy()
    this.#retire(slot, 'assigned')
    this.#retire(slot, 'next')
    if (this.#standby.slotOf(slot.functionId) === slot.key) this.#standby.removeSpare(slot.functionId)
    this.#waiting.delete(slot)
    this.#slots.delete(slot.key)
  }
}
