import { inject } from 'vitest'
import { sharedByRun } from './once-per-run.js'
import type { RadosgwAddress } from './radosgw.js'

/** How long a hook must wait for {@link sharedRadosgw}, in milliseconds. */
export const RADOSGW_START_MS = 120_000

/** The run's one radosgw. Take buckets of your own: others use it at the same time. */
export function sharedRadosgw(): Promise<RadosgwAddress> {
  return sharedByRun(inject('radosgwStarter'))
}
