import type { ExecutorStats } from '../../core/contracts/executor.js'
import type { LocalWorker } from './local-worker.js'

/** Counts an executor's work for each function. */
export class FunctionCounts {
  readonly #counts = new Map<string, { coldStarts: number; reloads: number }>()

  /** Makes the function appear in `stats`. */
  know(functionId: string): void {
    this.#of(functionId)
  }

  coldStart(functionId: string): void {
    this.#of(functionId).coldStarts++
  }

  reload(functionId: string): void {
    this.#of(functionId).reloads++
  }

  /** Returns the counts, with the memory of the live workers. @param spares ids of functions with a spare */
  stats(
    workers: Iterable<readonly [functionId: string, worker: LocalWorker]>,
    spares: ReadonlySet<string>,
  ): Record<string, ExecutorStats> {
    const stats: Record<string, { -readonly [K in keyof ExecutorStats]: ExecutorStats[K] }> = {}
    for (const [functionId, counts] of this.#counts) {
      stats[functionId] = { workers: 0, spares: spares.has(functionId) ? 1 : 0, ...counts, memoryBytes: 0 }
    }
    for (const [functionId, worker] of workers) {
      const own = stats[functionId]
      if (!own) continue
      own.workers++
      own.memoryBytes += worker.memoryBytes ?? 0
    }
    return stats
  }

  #of(functionId: string): { coldStarts: number; reloads: number } {
    let counts = this.#counts.get(functionId)
    if (!counts) {
      counts = { coldStarts: 0, reloads: 0 }
      this.#counts.set(functionId, counts)
    }
    return counts
  }
}
