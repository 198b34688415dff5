import { onAbort } from '../../core/base/abort.js'
import type { Clock } from '../../core/base/clock.js'
import { queueMicrotask } from '../../core/base/timers.js'

/** Waits for a queue's next change. */
export class Arrivals {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Waits for {@link notify} or the signal, `ms` at the longest. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        unlisten()
        this.#waiting.delete(done)
        resolve()
      }
      const cancel = this.#clock.schedule(ms, done)
      // A signal that has already fired calls back before `unlisten` is assigned.
      const unlisten = onAbort(signal, () => queueMicrotask(done))
      this.#waiting.add(done)
    })
  }

  /** Ends every wait. */
  notify(): void {
    for (const done of this.#waiting) done()
  }
}
