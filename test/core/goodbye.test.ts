import { describe, expect, it } from 'vitest'
import type { SessionOptions } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** A session that acknowledges and never answers. */
async function acknowledging(tether: Tether, options: Partial<SessionOptions> = {}) {
  const session = tether.session(options).on('invoke', (invocation) => invocation.ack())
  await session.open()
  await settle()
  return session
}

/** A call that its session has acknowledged; the session then closes, and its last words are lost. */
async function abandoned(tether: Tether, clock: ManualClock, onSessionLost: 'rerun' | 'fail' = 'rerun') {
  const session = await acknowledging(tether)
  let originals = 0
  const startedAt = clock.now()
  const stub = tether.stub({ onSessionLost, passthrough: () => ++originals })
  const outcome = stub({}, stubContext({ remainingMs: 60_000 })).then(
    (answer) => ({ answer, afterMs: clock.now() - startedAt, originals }),
    ({ code, message }) => ({ code, message, afterMs: clock.now() - startedAt, originals }),
  )
  await clock.advance(100)
  tether.transport.filter = ({ to, frame }) => (to.role === 'stub' ? [] : [frame])
  await session.close({ signal: AbortSignal.abort() })
  await settle()
  tether.transport.filter = ({ frame }) => [frame]
  return { outcome, stub }
}

describe('when the session that acknowledged an invocation says that it has closed', () => {
  it('the invocation ends a second later with SESSION_LOST, and the original code does not run', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { outcome } = await abandoned(tether, clock)
    await clock.advance(20_000)
    expect(await outcome).toEqual({
      code: 'SESSION_LOST',
      message: expect.stringMatching(/was closed while it ran function 'api'/),
      afterMs: 1_100,
      originals: 0,
    })
  })

  it('the invocation goes to a successor that is there within the second', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { outcome } = await abandoned(tether, clock)
    await clock.advance(500)
    const reruns: boolean[] = []
    const successor = tether.session().on('invoke', async (invocation) => {
      reruns.push(invocation.rerun)
      invocation.ack()
      await new Promise<void>((resolve) => clock.schedule(5_000, resolve))
      await invocation.respond('by the successor')
    })
    await successor.open()
    await clock.advance(6_000)
    expect(await outcome).toMatchObject({ answer: 'by the successor', originals: 0 })
    expect(reruns).toEqual([true])
  })

  it('a successor runs nothing again where the user wants no second run', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { outcome } = await abandoned(tether, clock, 'fail')
    let runs = 0
    const successor = tether.session().on('invoke', () => {
      runs++
    })
    await successor.open()
    await clock.advance(2_000)
    expect(await outcome).toMatchObject({ code: 'SESSION_LOST', originals: 0 })
    expect(runs).toBe(0)
  })
})
