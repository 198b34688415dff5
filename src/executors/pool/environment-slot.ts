import type { Cancel } from '../../core/base/clock.js'
import type { Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import type { Job } from './job.js'
import type { LocalWorker, WorkerOrigin, WorkerOutcome } from './local-worker.js'

/** A worker with the code assigned to it. */
export class AssignedWorker {
  readonly worker: LocalWorker
  readonly #build: FunctionBuild
  /** The variables at the time when the code was loaded. */
  readonly #env: Task['env']
  readonly #overrides: Task['overrides']
  readonly #held: Disposable | undefined
  #used = false
  #stale = false

  constructor(worker: LocalWorker, { build, env, overrides }: WorkerOrigin) {
    this.worker = worker
    this.#build = build
    this.#env = env
    this.#overrides = overrides
    this.#held = build.hold?.()
  }

  /** Whether the worker may run another invocation after the current one. */
  get usable(): boolean {
    return this.worker.usable && !this.#stale
  }

  /** Whether the worker may run this invocation. */
  suits(task: Task): boolean {
    if (!this.usable || !sameBuild(this.#build, task.build)) return false
    if (!sameVariables(this.#overrides, task.overrides)) return false
    // The modules must have read this environment's variables when they were loaded; later changes are applied in
    // place.
    return this.#used || sameVariables(this.#env, task.env)
  }

  run(task: Task): Promise<WorkerOutcome | undefined> {
    this.#used = true
    return this.worker.run(task)
  }

  /** Marks the code as changed: the current invocation is the worker's last. */
  outdate(): void {
    this.#stale = true
  }

  async stop(): Promise<void> {
    try {
      await this.worker.stop()
    } finally {
      this.#held?.[Symbol.dispose]()
    }
  }
}

/** The local side of one remote execution environment: a queue and at most one worker. */
export interface EnvironmentSlot {
  readonly key: string
  readonly functionId: string
  readonly queue: Job[]
  running: Job | undefined
  assigned: AssignedWorker | undefined
  /** The worker with the new code, which takes over when the invocation on the old code ends. */
  next: AssignedWorker | undefined
  /** The origin of its last invocation. */
  last: WorkerOrigin | undefined
  cancelExpiry: Cancel
  cancelStandBy: Cancel
}

const nothing = () => {}

export function emptySlot(key: string, functionId: string): EnvironmentSlot {
  return {
    key,
    functionId,
    queue: [],
    running: undefined,
    assigned: undefined,
    next: undefined,
    last: undefined,
    cancelExpiry: nothing,
    cancelStandBy: nothing,
  }
}

/** Whether two environments have equal variables. */
export function sameVariables(a: Task['overrides'], b: Task['overrides']): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

function sameBuild(a: FunctionBuild, b: FunctionBuild): boolean {
  if (a === b) return true
  if (a.kind === 'file' && b.kind === 'file') {
    return a.path === b.path && a.exportName === b.exportName && a.taskRoot === b.taskRoot
  }
  if (a.kind !== 'command' || b.kind !== 'command') return false
  if (a.cwd !== b.cwd || a.handler !== b.handler || a.secretPath !== b.secretPath) return false
  return a.command.join('\0') === b.command.join('\0')
}
