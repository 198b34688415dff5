import { describe, expect, it } from 'vitest'
import { Pacer } from '../../src/core/link/pacer.js'
import { ManualClock } from '../support/manual-clock.js'

describe('a pacer', () => {
  it.each([
    { frames: 100, counts: 'sent' as const },
    { frames: 100, bytes: 512 * 1024, counts: 'sent+received' as const },
    { frames: 10, counts: 'sent' as const },
  ])('keeps every window of one second within $frames frames', async (rate) => {
    const clock = new ManualClock()
    const pacer = new Pacer(clock, rate)
    const sent: number[] = []
    const all = Promise.all(
      Array.from({ length: 5 * rate.frames }, async () => {
        await pacer.take(1_000)
        sent.push(clock.now())
      }),
    )
    await clock.advance(10_000)
    await all
    for (const start of sent) {
      expect(sent.filter((at) => at >= start && at < start + 1_000).length).toBeLessThanOrEqual(rate.frames)
    }
    // And it is no slower than it needs to be.
    expect(sent.at(-1)! - sent[0]!).toBeLessThan(7_000)
  })

  it('keeps within its bytes, even with frames larger than its bucket', async () => {
    const clock = new ManualClock()
    const bytes = 512 * 1024
    const pacer = new Pacer(clock, { frames: 100, bytes, counts: 'sent' })
    let sent = 0
    const all = Promise.all(
      Array.from({ length: 48 }, async () => {
        await pacer.take(131_072)
        sent += 131_072
      }),
    )
    await clock.advance(10_000)
    expect(sent).toBeLessThanOrEqual(10.5 * bytes)
    await clock.advance(10_000)
    await all
  })

  it('sends frames at the same rate when fake timers freeze the date', async () => {
    const clock = new ManualClock()
    const still = { now: () => 0, schedule: clock.schedule.bind(clock) }
    const pacer = new Pacer(still, { frames: 10, counts: 'sent' })
    let sent = 0
    const frames = Array.from({ length: 40 }, async () => {
      await pacer.take(100)
      sent++
    })
    await clock.advance(1_000)
    expect(sent).toBeLessThanOrEqual(10)
    await clock.advance(5_000)
    await Promise.all(frames)
  })

  it('is not blocked for long by received frames', async () => {
    const clock = new ManualClock()
    const pacer = new Pacer(clock, { frames: 100, bytes: 512 * 1024, counts: 'sent+received' })
    for (let i = 0; i < 6_000; i++) pacer.received(5_000)
    let sent = false
    void pacer.take(100)?.then(() => {
      sent = true
    })
    await clock.advance(1_100)
    expect(sent).toBe(true)
  })

  it('counts received frames if the broker does, and rejects waiting frames when closed', async () => {
    const clock = new ManualClock()
    const pacer = new Pacer(clock, { frames: 10, counts: 'sent+received' })
    expect(pacer.take(1)).toBeUndefined()
    for (let i = 0; i < 10; i++) pacer.received(1)
    const waiting = pacer.take(1)
    expect(waiting).toBeInstanceOf(Promise)
    pacer.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    expect(clock.pending).toBe(0)
    expect(new Pacer(clock, undefined).take(1e9)).toBeUndefined()
  })
})
