import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../../src/index.js'
import { memoryStore } from '../../src/stores/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

type Role = Endpoint['role']

/** Where a connection breaks: at which frame, whose, and whether the frame got through. */
interface Cut {
  readonly at: number
  readonly role: Role
  readonly delivered: boolean
}

/** Local code that takes so long that its acknowledgement goes first. */
const SLOW_MS = 40
/** Longer than every back-off and question that one cut can cost. */
const PATIENCE_MS = 8_000

const CASES = [
  { name: 'a quick invocation', bytes: 10, slowMs: 0, store: false },
  { name: 'the first invocation of a stub', bytes: 10, slowMs: 0, store: false, cold: true },
  { name: 'an acknowledged invocation', bytes: 10, slowMs: SLOW_MS, store: false },
  { name: 'one of several frames each way', bytes: 5_000, slowMs: SLOW_MS, store: false },
  { name: 'a body through the payload store each way', bytes: 5_000, slowMs: SLOW_MS, store: true },
]

/** Runs one invocation, warm or not, with at most one cut. @returns how many frames it took */
async function invoke({ bytes, slowMs, store, cold }: (typeof CASES)[number], cut?: Cut): Promise<number> {
  const clock = new ManualClock()
  await using tether = new Tether({ clock, frameBytes: 2_048 })
  await using objects = memoryStore()
  const runs: string[] = []
  const session = tether.session(store ? { store: objects } : {})
  session.on('invoke', async (invocation) => {
    runs.push(invocation.id)
    invocation.ack()
    if (slowMs > 0) await new Promise<void>((resolve) => clock.schedule(slowMs, resolve))
    await invocation.respond(invocation.event)
  })
  await session.open()
  const stub = tether.stub()
  if (!cold) expect(await ended(stub('warm', stubContext()), clock)).toBe('warm')
  runs.length = 0
  tether.transport.passed.length = 0

  tether.transport.filter = ({ frame, index }) => {
    if (index !== cut?.at) return [frame]
    // With the frame, or right after it.
    if (!cut.delivered) tether.transport.cut(cut.role)
    else setImmediate(() => tether.transport.cut(cut.role))
    return cut.delivered ? [frame] : []
  }
  const event = randomBytes(bytes).toString('base64')
  expect(await ended(stub(event, stubContext({ remainingMs: PATIENCE_MS })), clock)).toBe(event)
  expect(runs).toHaveLength(1)
  const frames = tether.transport.passed.length
  // What comes next finds both sides well.
  expect(await ended(stub('after', stubContext()), clock)).toBe('after')
  expect(runs).toHaveLength(2)
  expect(tether.discards).toEqual([])
  return frames
}

/** What comes of it, with time going on while bytes cross real sockets. */
async function ended<T>(outcome: Promise<T>, clock: ManualClock): Promise<T> {
  let over = false
  const done = outcome.finally(() => {
    over = true
  })
  done.catch(() => {})
  const until = clock.now() + 2 * PATIENCE_MS
  while (!over && clock.now() < until) await clock.advance(20)
  if (!over) throw new Error(`Nothing came of it within ${2 * PATIENCE_MS} ms.`)
  return done
}

describe('a connection that breaks', () => {
  describe.each(CASES)('during $name', (shape) => {
    it.each([
      { role: 'session', delivered: true },
      { role: 'session', delivered: false },
      { role: 'stub', delivered: true },
      { role: 'stub', delivered: false },
    ] as const)(
      'on the side of the $role costs only time, at every frame (delivered: $delivered)',
      async ({ role, delivered }) => {
        const frames = await invoke(shape)
        expect(frames).toBeGreaterThan(1)
        for (let at = 0; at < frames; at++) await invoke(shape, { at, role, delivered })
      },
    )
  })

  it('after a silence counts as a sign of life: the session has time to come back', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().on('invoke', (invocation) => invocation.respond('back'))
    await session.open()
    const stub = tether.stub()
    expect(await ended(stub({}, stubContext()), clock)).toBe('back')
    // Nothing passes, as with a broker that is overloaded; that it is there is still known.
    tether.transport.filter = () => []
    const outcome = stub({}, stubContext({ remainingMs: 60_000 }))
    await clock.advance(5_000)
    tether.transport.cut('session')
    tether.transport.filter = ({ frame }) => [frame]
    await clock.advance(3_000)
    expect(await outcome).toBe('back')
  })

  it.each([false, true])(
    'for good makes waiting invocations (acknowledged: %s) ask the successor as soon as it connects',
    async (acknowledged) => {
      const clock = new ManualClock()
      await using tether = new Tether({ clock })
      const open = async (answer: string | undefined) => {
        const session = tether.session()
        session.on('invoke', (invocation) =>
          answer === undefined ? invocation.ack() : invocation.respond(answer),
        )
        await session.open()
        await settle()
      }
      await open(undefined)
      const stub = tether.stub()
      const first = stub({}, stubContext({ remainingMs: 60_000 }))
      await clock.advance(100)
      tether.transport.admit = ({ role }) => {
        if (role === 'session') throw new Error('gone')
      }
      tether.transport.cut('session')
      const second = acknowledged ? first : stub({}, stubContext({ remainingMs: 60_000 }))
      await clock.advance(2_000)
      tether.transport.admit = () => {}
      await open('by the successor')
      await clock.advance(50)
      expect(await Promise.race([second, settle().then(() => 'still waiting')])).toBe('by the successor')
      expect(await ended(first, clock)).toBe('by the successor')
    },
  )

  it('on both sides at once, while local code runs, costs only time', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let runs = 0
    let finish: () => void = () => {}
    const session = tether.session().on('invoke', async (invocation) => {
      runs++
      await invocation.ack()
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      await invocation.respond('finished')
    })
    await session.open()
    const outcome = tether.stub()({}, stubContext({ remainingMs: 60_000 }))
    await clock.advance(1_000)
    let refused = 4
    tether.transport.admit = () => {
      if (refused-- > 0) throw new Error('not yet')
    }
    tether.transport.cut('session')
    tether.transport.cut('stub')
    await settle()
    // It is answered while nobody is connected.
    finish()
    await clock.advance(10_000)
    expect(await outcome).toBe('finished')
    expect(runs).toBe(1)
  })
})
