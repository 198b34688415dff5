import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type DisplacedEvent,
  generateKey,
  type Invocation,
  type SessionOptions,
  type Transport,
} from '../../src/index.js'
import { FaultyTransport } from '../support/faulty-transport.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { observers, Tether } from '../support/tether.js'

const HOUR_MS = 3_600_000

/** A session that tells what happens to it, and answers with its own label unless it is told to hold. */
function answering(
  tether: Tether,
  label: string,
  options: Partial<SessionOptions> & { hold?: boolean } = {},
) {
  const { hold = false, ...rest } = options
  const events: string[] = []
  const held: Invocation[] = []
  const session = tether.session(rest).on('invoke', (invocation) => {
    held.push(invocation)
    return hold ? invocation.ack() : invocation.respond(label)
  })
  const by: DisplacedEvent[] = []
  session
    .on('displaced', (displaced) => {
      by.push(displaced)
      events.push('displaced')
    })
    .on('close', () => events.push('close'))
  return { session, events, held, by }
}

async function opened(...parameters: Parameters<typeof answering>) {
  const answers = answering(...parameters)
  await answers.session.open()
  await settle()
  return answers
}

describe('of two sessions with one name', () => {
  it('the last to open serves, and the other ends for good', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const older = await opened(tether, 'older')
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('older')
    clock.jump(1_000)
    const newer = await opened(tether, 'newer')
    expect(older.events).toEqual(['displaced', 'close'])
    expect(older.by[0]?.by).toMatch(/^[\w-]{22}$/)
    expect(older.by[0]?.epoch).toBe(clock.now())
    expect(newer.events).toEqual([])
    expect(await stub({}, stubContext())).toBe('newer')
    await clock.advance(60_000)
    expect(tether.transport.connections('session')).toBe(1)
    await expect(older.session.open()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('the last wins even with a clock an hour behind', async () => {
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

  it('the newer keeps serving when the older wakes from a silent network', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const own = new FaultyTransport(tether.transport)
    const older = await opened(tether, 'older', { transport: own })
    own.silence('session')
    clock.jump(60_000)
    const newer = await clock.during(1_500, opened(tether, 'newer'))
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

  it('the older answers nothing when it comes back, in any order of clocks', async () => {
    for (const aheadMs of [-HOUR_MS, 0, HOUR_MS]) {
      const clock = new ManualClock()
      await using tether = new Tether({ clock })
      const own = new FaultyTransport(tether.transport)
      const ahead = new ManualClock(clock.now() + aheadMs)
      const older = await opened(tether, 'older', { transport: own, clock: ahead })
      own.silence('session')
      const newer = await clock.during(1_500, opened(tether, 'newer'))
      const answered: Promise<unknown>[] = []
      older.session.on('status', ({ state }) => {
        if (state === 'connected') answered.push(tether.stub()({}, stubContext()))
      })
      own.take('stub')
      own.cut('session')
      await ahead.advance(1_000)
      await clock.advance(1_000)
      expect(await Promise.all(answered)).toEqual(['newer'])
      expect(own.take('stub')).toEqual([])
      expect(older.events).toEqual(['displaced', 'close'])
      expect(newer.events).toEqual([])
    }
  })

  it('an invocation that ran in the older reruns in the newer, marked; the older outcome is late', async () => {
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

  it('of two that open at once, one gets the name and the other ends', async () => {
    for (let round = 0; round < 20; round++) {
      const clock = new ManualClock()
      await using tether = new Tether({ clock })
      const own = [new FaultyTransport(tether.transport), new FaultyTransport(tether.transport)] as const
      const sessions = own.map((transport, i) => answering(tether, `${i}`, { transport }))
      const opened = await Promise.allSettled(sessions.map(({ session }) => session.open()))
      for (const transport of own) transport.take('stub')
      const answer = Number(await tether.stub()({}, stubContext()))
      await clock.advance(10_000)
      expect(sessions[answer]!.events).toEqual([])
      expect(sessions[1 - answer]!.events).toEqual(['displaced', 'close'])
      expect(own[1 - answer]!.take('stub')).toEqual([])
      const [refused] = opened.filter(({ status }) => status === 'rejected')
      if (refused !== undefined) expect(refused).toMatchObject({ reason: { code: 'DISPLACED' } })
    }
  })

  it('of two that hear each other while opening, one fails with DISPLACED', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    // Neither is sure of its own presence before it has heard the other.
    const transport = Object.assign(Object.create(tether.transport) as Transport, {
      connect: async (...parameters: Parameters<Transport['connect']>) => {
        const connection = await tether.transport.connect(...parameters)
        const keep = connection.keep!.bind(connection)
        const late = async (frame: Uint8Array) => clock.schedule(100, () => void keep(frame).catch(() => {}))
        return Object.assign(connection, { keep: late })
      },
    })
    const sessions = ['one', 'two'].map((label) => answering(tether, label, { transport }))
    const opening = Promise.allSettled(sessions.map(({ session }) => session.open()))
    const opened = await clock.during(1_500, opening)
    expect(opened.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const lost = opened.findIndex(({ status }) => status === 'rejected')
    expect(opened[lost]).toMatchObject({ reason: { code: 'DISPLACED' } })
    expect(sessions[lost]!.events).toEqual(['displaced', 'close'])
    expect(sessions[1 - lost]!.events).toEqual([])
  })

  it('the last wins even when their keys differ after a rotation', async () => {
    const rotating = [generateKey(), generateKey()] as const
    const before = rotating[1]
    for (const [first, last] of [
      [[before], rotating],
      [rotating, [before]],
    ] as const) {
      const clock = new ManualClock()
      await using tether = new Tether({ clock })
      const older = answering(tether, 'older', { key: undefined as never, keys: first })
      await older.session.open()
      await settle()
      const stub = tether.stub({ key: before })
      expect(await stub({}, stubContext())).toBe('older')
      clock.jump(1_000)
      const newer = answering(tether, 'newer', { key: undefined as never, keys: last })
      await clock.during(3_000, newer.session.open())
      await clock.advance(3_000)
      expect(older.events, `${first.length} after ${last.length}`).toEqual(['displaced', 'close'])
      expect(newer.events).toEqual([])
      expect(await stub({}, stubContext())).toBe('newer')
      expect([older.held.length, newer.held.length]).toEqual([1, 1])
    }
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

/** Brings the clocks of two sessions that open one after the other into every order. */
const CLOCKS: readonly (readonly [
  string,
  (clock: ManualClock) => { older: ManualClock; between(): void },
])[] = [
  ['in one millisecond', (clock) => ({ older: clock, between() {} })],
  ['one after the other', (clock) => ({ older: clock, between: () => clock.set(5) })],
  [
    'the clock set back by an hour in between',
    (clock) => ({ older: clock, between: () => clock.set(-HOUR_MS) }),
  ],
  ['the clock set forward in between', (clock) => ({ older: clock, between: () => clock.set(HOUR_MS) })],
  [
    "the older's clock an hour ahead",
    (clock) => ({ older: new ManualClock(clock.now() + HOUR_MS), between() {} }),
  ],
  [
    "the older's clock an hour behind",
    (clock) => ({ older: new ManualClock(clock.now() - HOUR_MS), between() {} }),
  ],
]

describe.each(CLOCKS)('once open() has resolved (%s)', (_name, order) => {
  it.each([
    ['where the broker keeps presence', (tether: Tether): Transport => tether.transport],
    ['where it does not', (tether: Tether): Transport => tether.forgetful],
  ])('the older session answers nothing that arrives later, %s', async (_where, over) => {
    const answered: unknown[] = []
    const late: number[] = []
    // The order of what happens is by chance. With observers the tests run a second time, to show that these change nothing.
    const rounds = observers.size === 0 ? 20 : 3
    for (let round = 0; round < rounds; round++) {
      const clock = new ManualClock()
      await using tether = new Tether({ clock, frameBytes: 2_048 })
      const transport = over(tether)
      const own = new FaultyTransport(transport)
      const { older, between } = order(clock)
      const a = answering(tether, 'older', { transport: own, clock: older })
      await Promise.all([a.session.open(), older.advance(250)])
      const warm = tether.stub({ transport })
      expect(await warm({}, stubContext())).toBe('older')
      between()
      const b = answering(tether, 'newer', { transport })
      const answers = b.session.open().then(() => {
        own.take('stub')
        // A message of several parts is acknowledged at its first.
        const events = [{}, randomBytes(4_096).toString('base64')]
        const stubs = [warm, tether.stub({ transport })]
        return Promise.all(stubs.flatMap((stub) => events.map((event) => stub(event, stubContext()))))
      })
      // Long enough for nothing but listening for others.
      answered.push(...(await clock.during(250, answers)))
      await clock.advance(5_000)
      if (older !== clock) await older.advance(5_000)
      late.push(own.take('stub').length)
      expect(a.events).toEqual(['displaced', 'close'])
      expect(b.events).toEqual([])
      answered.push(await warm({}, stubContext()))
    }
    expect(answered).toEqual(Array(5 * rounds).fill('newer'))
    expect(late).toEqual(Array(rounds).fill(0))
  })
})

describe('a session with a slower clock than a crashed session', () => {
  it('takes the name when its claims go unanswered, and serves warm stubs again', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const own = new FaultyTransport(tether.transport)
    await opened(tether, 'crashed', { transport: own, clock: new ManualClock(clock.now() + HOUR_MS) })
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('crashed')
    own.silence('session')
    const next = await clock.during(1_500, opened(tether, 'next'))
    const answered = stub({}, stubContext())
    await clock.advance(2_900)
    expect(await answered).toBe('next')
    expect(next.events).toEqual([])
  })
})

describe('a recorded message between sessions', () => {
  it('displaces no session when it is replayed', async () => {
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
