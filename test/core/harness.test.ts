import { describe, expect, it } from 'vitest'
import { Received } from '../../src/core/session/harness/received.js'
import type { Invocation } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** A session that serves `api` and `other`, on a clock that stands still. */
async function serving(clock: ManualClock) {
  const tether = new Tether({ clock })
  const session = tether.session().serve({ functions: { api: (event: unknown) => event, other: () => 1 } })
  return { tether, session, stub: tether.stub(), other: tether.stub({ functionId: 'other' }) }
}

/** The message of what a promise rejects with. */
const messageOf = (promise: Promise<unknown>) => promise.then(String, ({ message }: Error) => message)

describe('next() that times out', () => {
  it('says that the session is not open', async () => {
    const clock = new ManualClock()
    const { tether, session } = await serving(clock)
    await using _ = tether
    const message = messageOf(session.next('api', { timeoutMs: 50 }))
    await clock.advance(50)
    expect(await message).toBe(
      "No matching invocation of 'api' arrived within 50 ms: the session is not open. Call session.open() before the trigger.",
    )
  })

  it('says that others arrived', async () => {
    const clock = new ManualClock()
    const { tether, session, other } = await serving(clock)
    await using _ = tether
    await session.open()
    const message = messageOf(session.next('api', { timeoutMs: 50 }))
    await other({}, stubContext())
    await other({}, stubContext())
    await clock.advance(50)
    expect(await message).toBe(
      "No matching invocation of 'api' arrived within 50 ms: 0 arrived, and 2 of other functions, the last of 'other'. Call next() before the trigger; check that it ran, and that its stub has functionId 'api'.",
    )
  })

  it('reports how many `where` rejected, how many another next() took, and the start of the last', async () => {
    const clock = new ManualClock()
    const { tether, session, stub } = await serving(clock)
    await using _ = tether
    await session.open()
    const taken = session.next('api')
    const waiting = session.next<{ n: number }>('api', { timeoutMs: 50, where: ({ event }) => event.n > 3 })
    const message = messageOf(waiting)
    const first = stub({ n: 1 }, stubContext())
    await (await taken).respond(1)
    await first
    await stub({ n: 2 }, stubContext())
    await stub({ n: 3, text: `\u001b[31m${'x'.repeat(1_000)}` }, stubContext())
    await clock.advance(50)
    const text = await message
    expect(text).toContain(
      'within 50 ms: 3 arrived; \'where\' was false for 2, another next() took 1. The last event (the first 300 of 1027 bytes): {"n":3,"text":"\\u001b[31mxxx',
    )
    expect(text.length).toBeLessThan(600)
  })
})

describe('received()', () => {
  it('lists the invocations of a function in order of arrival, including those answered elsewhere', async () => {
    const clock = new ManualClock()
    const { tether, session, stub, other } = await serving(clock)
    await using _ = tether
    expect(session.received('api')).toEqual([])
    await session.open()
    await stub(1, stubContext())
    const next = session.next('api')
    const second = stub(2, stubContext())
    await (await next).respond('by next')
    await second
    await other(3, stubContext())
    await session.close()
    await settle()
    expect(session.received<number>('api').map(({ event, settled }) => [event, settled])).toEqual([
      [1, true],
      [2, true],
    ])
    expect(session.received('other').map(({ event }) => event)).toEqual([3])
    expect(() => session.received('')).toThrow(/'functionId' must be a text/)
  })

  it('keeps the last 1,000', () => {
    const received = new Received()
    const eventBytes = new Uint8Array(10)
    for (let n = 0; n < 1_500; n++) received.add({ id: `${n}`, functionId: 'api', eventBytes } as Invocation)
    expect(received.of('api').map(({ id }) => Number(id))).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n + 500),
    )
  })

  it('keeps the last 32 MiB', () => {
    const received = new Received()
    const eventBytes = new Uint8Array(5 * 1024 * 1024)
    for (let n = 0; n < 8; n++)
      received.add({ id: `${n}`, functionId: n === 5 ? 'other' : 'api', eventBytes } as Invocation)
    expect(received.of('api').map(({ id }) => id)).toEqual(['2', '3', '4', '6', '7'])
  })
})
