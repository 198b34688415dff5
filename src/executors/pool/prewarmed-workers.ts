import type { Cancel } from '../../core/base/clock.js'
import type { PrewarmedWorker } from './local-worker.js'

interface Prewarmed {
  readonly worker: PrewarmedWorker
  readonly cancelExpiry: Cancel
}

/**
 * Workers that wait for their function's first invocation, at most one for each function. The caller must stop removed
 * workers.
 */
export class PrewarmedWorkers {
  readonly #workers = new Map<string, Prewarmed>()

  has(functionId: string): boolean {
    return this.#workers.has(functionId)
  }

  add(functionId: string, worker: PrewarmedWorker, cancelExpiry: Cancel): void {
    this.#workers.set(functionId, { worker, cancelExpiry })
  }

  remove(functionId: string): PrewarmedWorker | undefined {
    const prewarmed = this.#workers.get(functionId)
    this.#workers.delete(functionId)
    prewarmed?.cancelExpiry()
    return prewarmed?.worker
  }

  /** Removes the worker that has waited longest. */
  giveWay(): PrewarmedWorker | undefined {
    for (const functionId of this.#workers.keys()) return this.remove(functionId)
    return undefined
  }

  *values(): Iterable<[functionId: string, worker: PrewarmedWorker]> {
    for (const [functionId, { worker }] of this.#workers) yield [functionId, worker]
  }
}
