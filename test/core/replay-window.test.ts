import { describe, expect, it } from 'vitest'
import { ReplayWindow } from '../../src/core/wire/replay-window.js'
import { ManualClock } from '../support/manual-clock.js'

const PERIOD_MS = 60_000

function windowOf(maxSenders: number) {
  const clock = new ManualClock()
  const window = new ReplayWindow(clock, PERIOD_MS, maxSenders)
  /** What it knew before is forgotten. */
  const overflow = () => {
    for (let i = 0; i <= maxSenders; i++) window.add(`other ${i}`, 0)
  }
  return { clock, window, overflow }
}

describe('a replay window', () => {
  it('trusts new senders until it has forgotten one, then only known senders', () => {
    const { window } = windowOf(2)
    for (const sender of ['a', 'b']) window.add(sender, 5)
    expect([window.proven('a'), window.proven('b'), window.proven('c')]).toEqual([true, true, true])
    window.add('c', 5)
    expect([window.proven('a'), window.proven('b'), window.proven('d')]).toEqual([false, true, false])
    window.add('a', 5)
    expect([window.proven('a'), window.proven('c')]).toEqual([false, true])
  })

  it('treats all numbers below a proof as seen while it knows the sender', async () => {
    const { clock, window, overflow } = windowOf(2)
    overflow()
    window.add('a', 7)
    window.add('a', 9)
    window.prove('a', 9)
    for (let minutes = 0; minutes < 4; minutes++) {
      expect(window.proven('a')).toBe(true)
      for (const number of [0, 8, 9])
        expect(window.seen('a', number), `${number} after ${minutes} min`).toBe(true)
      expect(window.seen('a', 10)).toBe(false)
      await clock.advance(PERIOD_MS)
    }
  })

  it('does not change an existing proof', () => {
    const { window } = windowOf(2)
    window.add('a', 0)
    window.prove('a', 9)
    expect(window.seen('a', 8)).toBe(false)
  })
})
