import { type LocalWorker, WorkerPool } from '../../src/executors/pool/worker-pool.js'
import type { Answer, Task } from '../../src/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { taskFor } from './handler-project.js'

/** A worker whose invocations end when the test says so. */
export class ScriptedWorker implements LocalWorker {
  usable = true
  stopped = false
  readonly first: Task
  readonly ran: Task[] = []
  #end: ((outcome: Answer | undefined) => void) | undefined

  constructor(first: Task) {
    this.first = first
  }

  /** Whether an invocation runs in it. */
  get busy(): boolean {
    return this.#end !== undefined
  }

  run(task: Task): Promise<Answer | undefined> {
    if (this.#end) throw new Error('Two invocations at once.')
    this.ran.push(task)
    return new Promise((resolve) => {
      this.#end = resolve
    })
  }

  end(outcome: Answer | undefined): void {
    const end = this.#end
    this.#end = undefined
    end?.(outcome)
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.usable = false
    this.end(undefined)
  }
}

/** A pool of scripted workers, in the order in which they were started. */
export function pool(options: { maxWorkers?: number; idleMs?: number } = {}) {
  const clock = new ManualClock()
  const workers: ScriptedWorker[] = []
  const start = (task: Task) => {
    const worker = new ScriptedWorker(task)
    workers.push(worker)
    return worker
  }
  const subject = new WorkerPool({ start, maxWorkers: Infinity, idleMs: 1000, clock, ...options })
  const task = (environmentId: string, changes: Partial<Task> = {}) =>
    taskFor('/code/api.mjs', {}, { environmentId, deadline: clock.now() + 3000, ...changes })
  return { subject, workers, clock, task }
}

export const answer = (value: unknown): Answer => ({
  kind: 'value',
  body: Buffer.from(JSON.stringify(value)),
})
export const turn = () => new Promise((resolve) => setImmediate(resolve))
