import { ANSWER_MS } from '../../src/executors/debug/pause.js'
import { ManualClock } from '../support/manual-clock.js'

/** Time that a test moves, which tells when code whose time is up has said whether a debugger has paused it. */
export class AskingClock extends ManualClock {
  readonly #waiting: (() => void)[] = []

  constructor() {
    // What runs in a thread or a process has the machine's time.
    super(Date.now())
  }

  override schedule(delayMs: number, callback: () => void) {
    const cancel = super.schedule(delayMs, callback)
    return () => {
      cancel()
      // It has answered: nobody waits any longer that it does.
      if (delayMs === ANSWER_MS) for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  /** Moves time on to where an invocation's time is up, and resolves when its code was asked. */
  async passDeadline(ms: number): Promise<void> {
    const asked = new Promise<void>((resolve) => this.#waiting.push(resolve))
    await this.advance(ms)
    await asked
  }
}
