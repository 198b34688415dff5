import { describe, expect, it } from 'vitest'
import type { Invocation } from '../../src/core/session/invocation.js'
import type { SessionOptions } from '../../src/core/session/options.js'
import { FaultyTransport } from '../support/faulty-transport.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const HOUR_MS = 3_600_000

/** A session that tells what happens to it, and answers with its own label unless it is told to hold. */
async function opened(
  tether: Tether,
  label: string,
  options: Partial<SessionOptions> & { hold?: boolean } = {},
) {
  const { hold = false, ...rest } = options
  const events: string[] = []
  const held: Invocation[] = []
  const session = tether.session(rest).on('invoke', (invocation) => {
    held.push(invocation)
    return hold ? undefined : invocation.respond(label)
  })
  session.on('displaced', () => events.push('displaced')).on('close', () => events.push('close'))
  await session.open()
  await settle()
  return { session, events, held }
}

describe('of two sessions with one name', () => {
  it('the one that opens last serves, and the other ends for good', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const older = await opened(tether, 'older')
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('older')
    clock.jump(1_000)
    const newer = await opened(tether, 'newer')
    expect(older.events).toEqual(['displaced', 'close'])
    expect(newer.events).toEqual([])
    expect(await stub({}, stubContext())).toBe('newer')
    await clock.advance(60_000)
    expect(tether.transport.connections('session')).toBe(1)
    await expect(older.session.open()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('the last wins also where its clock is an hour behind', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const ahead = new ManualClock(clock.now() + HOUR_MS)
    const older = await opened(tether, 'older', { clock: ahead })
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('older')
    ahead.jump(10_000)
    const newer = await opened(tether, 'newer')
    expect(older.events).toEqual(['displaced', 'close'])
    expect(newer.events).toEqual([])
    expect(await stub({}, stubContext())).toBe('newer')
  })

  it('the newer keeps serving when the older, whose network was silent, wakes', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const own = new FaultyTransport(tether.transport)
    const older = await opened(tether, 'older', { transport: own })
    own.silence('session')
    clock.jump(60_000)
    const newer = await opened(tether, 'newer')
    expect(older.events).toEqual([])
    // The older one's connection is found dead, and it comes back.
    own.cut('session')
    await clock.advance(1_000)
    expect(older.events).toEqual(['displaced', 'close'])
    expect(newer.events).toEqual([])
    expect(await tether.stub()({}, stubContext())).toBe('newer')
    await clock.advance(60_000)
    expect(own.connections()).toBe(0)
  })

  it('what the older ran goes to the newer, marked, and its outcome there is late', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const older = await opened(tether, 'older', { hold: true })
    const running = tether.stub()({}, stubContext())
    await clock.advance(100)
    const newer = await opened(tether, 'newer', { hold: true })
    expect(older.held[0]!.signal.aborted).toBe(true)
    expect(older.held[0]!.signal.reason).toMatchObject({ code: 'DISPLACED' })
    await older.held[0]!.respond('by the older')
    await clock.advance(3_000)
    expect(newer.held[0]!.rerun).toBe(true)
    await newer.held[0]!.respond('by the newer')
    expect(await running).toBe('by the newer')
    expect(tether.discards).toMatchObject([{ reason: 'late' }])
  })

  it('two that open at once settle on one', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const both = await Promise.all([opened(tether, 'one'), opened(tether, 'two')])
    await clock.advance(10_000)
    expect(both.map(({ events }) => events.includes('displaced')).sort()).toEqual([false, true])
    expect(['one', 'two']).toContain(await tether.stub()({}, stubContext()))
  })

  it('other names are left alone', async () => {
    await using tether = new Tether()
    const ada = await opened(tether, 'ada', { name: 'ada' })
    const bob = await opened(tether, 'bob', { name: 'bob' })
    expect([...ada.events, ...bob.events]).toEqual([])
    expect(await tether.stub({ session: 'ada' })({}, stubContext())).toBe('ada')
    expect(await tether.stub({ session: 'bob' })({}, stubContext())).toBe('bob')
  })
})

describe('a session whose clock is behind that of one that crashed', () => {
  it('takes the name when nobody answers for it, and serves warm stubs again', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const own = new FaultyTransport(tether.transport)
    await opened(tether, 'crashed', { transport: own, clock: new ManualClock(clock.now() + HOUR_MS) })
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('crashed')
    own.silence('session')
    const next = await opened(tether, 'next')
    const answered = stub({}, stubContext())
    await clock.advance(2_900)
    expect(await answered).toBe('next')
    expect(next.events).toEqual([])
  })
})

describe('what sessions said to each other, recorded', () => {
  it('displaces nobody when it is sent again', async () => {
    const clock = new ManualClock()
    const recorded: Uint8Array[] = []
    await using tether = new Tether({ clock })
    const spy = await tether.transport.connect(
      { app: 'shop', stage: 'dev', role: 'session', name: 'default', lane: 0 },
      { onFrame: (frame) => recorded.push(frame) },
    )
    const first = await opened(tether, 'first', { clock: new ManualClock(clock.now() + HOUR_MS) })
    const second = await opened(tether, 'second', { clock: new ManualClock(clock.now() + 2 * HOUR_MS) })
    expect(first.events).toEqual(['displaced', 'close'])
    await second.session.close()
    const third = await opened(tether, 'third')
    expect(recorded.length).toBeGreaterThan(2)
    for (const frame of [...recorded]) {
      await spy.send({ app: 'shop', stage: 'dev', role: 'session', name: 'default' }, frame)
    }
    await clock.advance(10_000)
    expect(third.events).toEqual([])
    expect(await tether.stub()({}, stubContext())).toBe('third')
    await spy.close()
  })
})
