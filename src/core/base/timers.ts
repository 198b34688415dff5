/**
 * The timers of the moment in which this package was loaded. Test runners replace the global ones (`vi.useFakeTimers()`,
 * `jest.useFakeTimers()`) while a session is open, and nothing would happen in it until they are advanced. `Date` is not
 * kept: a test that sets the date means it for local code, and differences of it are all that matters here.
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
