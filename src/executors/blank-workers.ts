import type { Cancel } from '../core/clock.js'
import type { BlankWorker } from './local-worker.js'

interface Blank {
  readonly worker: BlankWorker
  readonly cancelExpiry: Cancel
}

/** Workers that wait for their function's first invocation, at most one for each. Whoever removes one has to stop it. */
export class BlankWorkers {
  readonly #blanks = new Map<string, Blank>()

  has(functionId: string): boolean {
    return this.#blanks.has(functionId)
  }

  add(functionId: string, worker: BlankWorker, cancelExpiry: Cancel): void {
    this.#blanks.set(functionId, { worker, cancelExpiry })
  }

  remove(functionId: string): BlankWorker | undefined {
    const blank = this.#blanks.get(functionId)
    this.#blanks.delete(functionId)
    blank?.cancelExpiry()
    return blank?.worker
  }

  /** Removes the one that has waited longest. */
  giveWay(): BlankWorker | undefined {
    for (const functionId of this.#blanks.keys()) return this.remove(functionId)
    return undefined
  }

  *values(): Iterable<[functionId: string, worker: BlankWorker]> {
    for (const [functionId, { worker }] of this.#blanks) yield [functionId, worker]
  }
}
