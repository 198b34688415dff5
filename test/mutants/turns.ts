import type { Clock } from '../../src/core/base/clock.js'

/** Lets the event loop turn once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets the event loop turn several times. */
export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await turn()
}

/** A clock on which a millisecond is a turn of the event loop: a busy machine cannot make a wait too short. */
export const turnClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    let left = delayMs
    const tick = () => {
      if (left-- > 0) pending = setImmediate(tick)
      else callback()
    }
    let pending = setImmediate(tick)
    return () => clearImmediate(pending)
  },
}
