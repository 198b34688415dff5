import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { sameVariables } from './environment-slot.js'
import type { SpareWorker, WorkerOrigin } from './local-worker.js'

/** A worker that stands by for one execution environment of a function. */
export interface Spare {
  /** The environment's slot in the pool. */
  readonly slot: string
  /** The origin that it was started with. */
  readonly origin: WorkerOrigin
  readonly worker: SpareWorker
}

/**
 * Spare workers for the next save: at most one for each function, for the most recently used functions. The caller must
 * stop removed workers.
 */
export class SpareWorkers {
  readonly #limit: number
  /** By function id, the least recently used first. */
  readonly #spares = new Map<string, Spare>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#spares.size
  }

  /** Whether there is room for one more spare. */
  get roomy(): boolean {
    return this.#spares.size < this.#limit
  }

  values(): Iterable<[functionId: string, spare: Spare]> {
    return this.#spares.entries()
  }

  get(functionId: string): Spare | undefined {
    return this.#spares.get(functionId)
  }

  /** Marks the function as the most recently used. Returns true if it may have a spare but has none. */
  touch(functionId: string): boolean {
    const spare = this.#spares.get(functionId)
    if (spare === undefined) return this.#limit > 0
    this.#spares.delete(functionId)
    this.#spares.set(functionId, spare)
    return false
  }

  /** Adds a function's spare. Returns the spare to stop in exchange, if there are too many now. */
  add(functionId: string, spare: Spare): Spare | undefined {
    this.#spares.set(functionId, spare)
    return this.#spares.size > this.#limit ? this.giveWay() : undefined
  }

  remove(functionId: string): Spare | undefined {
    const spare = this.#spares.get(functionId)
    this.#spares.delete(functionId)
    return spare
  }

  /** Removes the spare of the least recently used function. */
  giveWay(): Spare | undefined {
    for (const functionId of this.#spares.keys()) return this.remove(functionId)
    return undefined
  }
}

/** Whether a spare is equivalent to a worker started for `origin`. */
export function fits({ worker, origin }: Spare, wanted: WorkerOrigin): boolean {
  if (!worker.usable || !sameVariables(origin.env, wanted.env)) return false
  if (!sameVariables(origin.overrides, wanted.overrides)) return false
  // The spare may only have loaded modules that the new code loads first, in the same order.
  const fingerprints = fingerprintsOf(wanted.build)
  return fingerprintsOf(origin.build).every((fingerprint, index) => fingerprints[index] === fingerprint)
}

function fingerprintsOf(build: FunctionBuild): readonly string[] {
  return build.kind === 'file' ? (build.dependencies?.fingerprints ?? []) : []
}
