/**
 * The timers of the moment in which this package was loaded, which every module of it uses. Test runners replace the global
 * ones (`vi.useFakeTimers()`, `jest.useFakeTimers()`) in a host while a session is open, and local code may do so in a
 * worker: nothing would happen there until they are advanced. `Date` is not kept: a test that sets the date means it for
 * local code, and only differences of it matter here.
 */
export const {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  setImmediate,
  clearImmediate,
  queueMicrotask,
} = globalThis

/** As `process.nextTick`, which Jest replaces, too. */
export const { nextTick } = process
