import { vi } from 'vitest'

/** How long a busy machine may take for what another process, thread or socket does. */
const EVENTUALLY_MS = 15_000

/** Tries until the probe throws nothing, and returns its result; throws its last error when the time is up. */
export function eventually<T>(probe: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(probe, { timeout: EVENTUALLY_MS })
}
