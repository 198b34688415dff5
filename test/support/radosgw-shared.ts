import { inject } from 'vitest'
import type { RadosgwAddress } from './radosgw.js'

/** How long a hook must wait for {@link sharedRadosgw}, in milliseconds. */
export const RADOSGW_START_MS = 120_000

/** The run's one radosgw. Take buckets of your own: others use it at the same time. */
export async function sharedRadosgw(): Promise<RadosgwAddress> {
  const response = await fetch(inject('radosgwStarter'))
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as RadosgwAddress
}
