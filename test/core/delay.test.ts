import { describe, expect, it } from 'vitest'
import { atMost, delay } from '../../src/core/base/delay.js'
import { Waiters } from '../../src/core/session/harness/waiters.js'
import { ManualClock } from '../support/manual-clock.js'

const clock = new ManualClock()
const never = new Promise<never>(() => {})

describe('a signal that has fired', () => {
  it.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['delay', (signal) => delay(10, { clock, signal })],
    ['atMost', (signal) => atMost(10, never, { clock, signal })],
    ['next', (signal) => new Waiters(clock).next('api', { signal }, () => true)],
  ])('rejects the promise of %s instead of throwing', async (_name, start) => {
    // A throw would pass by the `catch` that a caller adds to the promise.
    const caught = start(AbortSignal.abort()).catch((error: unknown) => error)
    expect(await caught).toMatchObject({ code: 'ABORTED' })
    expect(clock.pending).toBe(0)
  })
})
