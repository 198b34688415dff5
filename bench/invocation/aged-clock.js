// A session younger than a minute challenges every unknown sender; a developer's session is older, a benchmark's is
// not.
const AGE_MS = 120_000

/** The machine's clock, but a session that was opened before `begin()` is minutes old after it. */
export function agedClock() {
  let offsetMs = -AGE_MS
  return {
    now: () => Date.now() + offsetMs,
    schedule(delayMs, callback) {
      const timer = setTimeout(callback, Math.max(0, delayMs))
      return () => clearTimeout(timer)
    },
    begin() {
      offsetMs = 0
    },
  }
}
