import { BoundedMap } from '../../core/base/bounded-map.js'
import type { Clock } from '../../core/base/clock.js'
import type { Discard } from '../../core/wire/counters.js'

/** A dropped message and how often it was dropped for the same reason. */
export interface DiscardCount {
  readonly reason: Discard['reason']
  readonly message: string
  readonly count: number
  /** ISO 8601, UTC. */
  readonly lastAt: string
}

const MOST = 100

/** Counts discards by their text. */
export class Discards {
  readonly #clock: Clock
  readonly #counts = new BoundedMap<string, DiscardCount>(MOST)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add({ reason, message }: Discard): DiscardCount {
    const count = (this.#counts.get(message)?.count ?? 0) + 1
    const discard = { reason, message, count, lastAt: new Date(this.#clock.now()).toISOString() }
    this.#counts.set(message, discard)
    return discard
  }

  /** Lists the counts, the latest last. */
  list(): readonly DiscardCount[] {
    return [...this.#counts.values()]
  }
}
