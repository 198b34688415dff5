import timers from 'node:timers'

/**
 * The timers as they were when this package was loaded; every module of the package uses these. Test runners replace
 * the global ones (`vi.useFakeTimers()`, `jest.useFakeTimers()`) in a host while a session is open, and local code may
 * do so in a worker: global timers would then stand still until advanced. These come from `node:timers`, because Jest
 * may replace the global ones before it loads anything (`fakeTimers.enableGlobally`).
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = timers

export const { queueMicrotask } = globalThis

/** `process.nextTick`, captured because Jest replaces it too. */
export const { nextTick } = process
