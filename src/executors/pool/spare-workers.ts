import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { sameVariables } from './environment-slot.js'
import type { SpareWorker, WorkerOrigin } from './local-worker.js'

/** A worker that stands by for one execution environment of a function. */
export interface Spare {
  /** The environment's slot in the pool. */
  readonly slot: string
  /** What it was started with. */
  readonly origin: WorkerOrigin
  readonly worker: SpareWorker
}

/**
 * The workers that stand by for the next save: at most one for each function, for the functions that were used last.
 * Whoever removes one has to stop it.
 */
export class SpareWorkers {
  readonly #limit: number
  /** By function id, the one used longest ago first. */
  readonly #spares = new Map<string, Spare>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#spares.size
  }

  /** Whether one more function may have one and none has to give way. */
  get roomy(): boolean {
    return this.#spares.size < this.#limit
  }

  values(): Iterable<[functionId: string, spare: Spare]> {
    return this.#spares.entries()
  }

  get(functionId: string): Spare | undefined {
    return this.#spares.get(functionId)
  }

  /** The function was used: others give way before it does. True when it may have a spare and has none. */
  touch(functionId: string): boolean {
    const spare = this.#spares.get(functionId)
    if (spare === undefined) return this.#limit > 0
    this.#spares.delete(functionId)
    this.#spares.set(functionId, spare)
    return false
  }

  /** Adds a function's spare; returns the one that has to give way to it, if there are too many now. */
  add(functionId: string, spare: Spare): Spare | undefined {
    this.#spares.set(functionId, spare)
    return this.#spares.size > this.#limit ? this.giveWay() : undefined
  }

  remove(functionId: string): Spare | undefined {
    const spare = this.#spares.get(functionId)
    this.#spares.delete(functionId)
    return spare
  }

  /** Removes the spare of the function that was used longest ago. */
  giveWay(): Spare | undefined {
    for (const functionId of this.#spares.keys()) return this.remove(functionId)
    return undefined
  }
}

/** Whether a worker that stands by is as if it had been started for `origin`. */
export function fits({ worker, origin }: Spare, wanted: WorkerOrigin): boolean {
  if (!worker.usable || !sameVariables(origin.env, wanted.env)) return false
  if (!sameVariables(origin.overrides, wanted.overrides)) return false
  // It has loaded nothing that the new code would not load first, in the same order.
  const fingerprints = fingerprintsOf(wanted.build)
  return fingerprintsOf(origin.build).every((fingerprint, index) => fingerprints[index] === fingerprint)
}

function fingerprintsOf(build: FunctionBuild): readonly string[] {
  return build.kind === 'file' ? (build.dependencies?.fingerprints ?? []) : []
}
