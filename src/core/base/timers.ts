import timers from 'node:timers'

/**
 * The timers of the moment in which this package was loaded, which every module of it uses. Test runners replace the global
 * ones (`vi.useFakeTimers()`, `jest.useFakeTimers()`) in a host while a session is open, and local code may do so in a
 * worker: nothing would happen there until they are advanced. They are Node's own, because Jest may replace the global
 * ones before it loads anything (`fakeTimers.enableGlobally`).
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = timers

export const { queueMicrotask } = globalThis

/** As `process.nextTick`, which Jest replaces, too. */
export const { nextTick } = process
