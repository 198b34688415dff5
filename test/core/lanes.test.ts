import { describe, expect, it } from 'vitest'
import { LANES } from '../../src/core/contracts/transport.js'
import { Lanes } from '../../src/core/link/lanes.js'
import { TetherError, type Transport } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { limitedTransport } from '../support/limited-transport.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const TIME_OUT_MS = 60_000

/** Counts what each invocation was run. */
async function counting(tether: Tether, transport: Transport, max?: number) {
  const runs = new Map<number, number>()
  const session = tether.session({ transport, ...(max === undefined ? {} : { connections: { max } }) })
  session.on('invoke', (invocation) => {
    const index = invocation.event as number
    runs.set(index, (runs.get(index) ?? 0) + 1)
    return invocation.respond(index)
  })
  await session.open()
  await settle()
  return { session, runs }
}

/** How 300 environments fare that are all invoked for the first time at once, in a minute. */
async function coldBurst(max?: number) {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const transport = limitedTransport(memory(), clock)
  const { session, runs } = await counting(tether, transport, max)
  const codes: (string | number)[] = []
  const calls = Array.from({ length: 300 }, async (_, index) => {
    const stub = tether.stub({ transport })
    try {
      codes.push((await stub(index, stubContext({ remainingMs: TIME_OUT_MS }))) as number)
    } catch (error) {
      codes.push((error as { code: string }).code)
    }
  })
  for (let ms = 0; ms < TIME_OUT_MS && codes.length < calls.length; ms += 1_000) await clock.advance(1_000)
  await Promise.all(calls)
  return { codes, runs, connections: session.stats().connections, discarded: transport.discarded }
}

describe('a burst of 300 cold stubs over a broker that discards frames beyond 100 a second', () => {
  it('loses no invocation and fails none with NO_SESSION', async () => {
    const { codes, runs, connections, discarded } = await coldBurst()
    expect(discarded).toBeGreaterThan(100)
    expect([...codes].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 300 }, (_, i) => i))
    expect([...runs.values()].every((count) => count === 1)).toBe(true)
    expect(connections).toBe(4)
  })

  it('runs no invocation twice when the session is limited to one connection', async () => {
    const { codes, runs, connections } = await coldBurst(1)
    expect(codes).toHaveLength(300)
    expect([...runs.values()].every((count) => count === 1)).toBe(true)
    expect(connections).toBe(1)
  })
})

describe('a session with several connections', () => {
  it('opens no additional connection when its transport has no limits', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const unlimited = memory()
    const { session } = await counting(tether, unlimited, 8)
    const stub = tether.stub({ transport: unlimited })
    await Promise.all(Array.from({ length: 200 }, (_, index) => stub(index, stubContext())))
    expect(session.stats().connections).toBe(1)
  })

  it('backs off from a broker that refuses another connection, then tries again', async () => {
    const clock = new ManualClock()
    const refused: number[] = []
    const inner = limitedTransport(memory(), clock, 20)
    let refusing = true
    const transport: Transport = {
      ...inner,
      async connect(self, handlers, options) {
        if (self.lane !== undefined && refusing) {
          refused.push(clock.now())
          throw new TetherError('UNREACHABLE', 'refused')
        }
        return inner.connect(self, handlers, options)
      },
    }
    const self = { app: 'shop', stage: 'dev', role: 'session', name: 'default' } as const
    const lanes = new Lanes({ transport, self, clock, max: 4, random: () => 1, onFrame() {} })
    await lanes.open()
    // More than one connection may carry, all the time.
    const sending = async (ms: number) => {
      for (let at = 0; at < ms; at += 20) {
        void lanes.send({ ...self, role: 'stub' }, new Uint8Array(1))?.catch(() => {})
        await clock.advance(20)
      }
    }
    await sending(30_000)
    const waits = refused.slice(1).map((at, i) => at - refused[i]!)
    const backoff = [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000]
    expect(waits).toHaveLength(backoff.length)
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(backoff[i]!)
      // Until the next frame is sent.
      expect(wait).toBeLessThanOrEqual(backoff[i]! + 40)
    }
    refusing = false
    await sending(10_100)
    expect(lanes.connections).toBeGreaterThan(1)
    await lanes.stop()
    await settle()
    expect(clock.pending).toBe(0)
  })

  it('receives every lane once its connections have divided them', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const transport = limitedTransport(memory(), clock, 20)
    const { session, runs } = await counting(tether, transport, 3)
    const stubs = Array.from({ length: 32 }, () => tether.stub({ transport }))
    const first = Promise.all(stubs.map((stub, i) => stub(i, stubContext({ remainingMs: 600_000 }))))
    await clock.advance(60_000)
    await first
    expect(session.stats().connections).toBe(3)
    // No slower than one exchange each: no lane is without a receiver.
    const before = session.stats()
    for (const [i, stub] of stubs.entries()) {
      const call = stub(1_000 + i, stubContext())
      await clock.advance(250)
      expect(await call).toBe(1_000 + i)
    }
    expect(runs.size).toBe(64)
    const { duplicates } = session.stats()
    expect(duplicates.invocations).toBe(before.duplicates.invocations)
  })

  it('moves the lanes of a broken connection to the others, and back when it reconnects', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const open: { lanes: number[]; cut(): void }[] = []
    const inner = limitedTransport(memory(), clock, 20)
    const transport: Transport = {
      ...inner,
      async connect(self, handlers, options) {
        const connection = await inner.connect(self, handlers, options)
        if (self.role === 'stub') return connection
        const serve = connection.serve!.bind(connection)
        let cut = () => {}
        const isCut = new Promise<undefined>((resolve) => {
          cut = () => resolve(undefined)
        })
        const entry = { lanes: self.lane === undefined ? [-1] : [self.lane], cut }
        open.push(entry)
        void isCut.then(() => {
          open.splice(open.indexOf(entry), 1)
          return connection.close()
        })
        return Object.assign(connection, {
          closed: Promise.race([isCut, connection.closed]),
          serve: async (lanes: readonly number[]) => {
            await serve(lanes)
            entry.lanes = [...lanes]
          },
        })
      },
    }
    const statuses: string[] = []
    const { session } = await counting(tether, transport, 4)
    session.on('status', ({ state }) => statuses.push(state))
    const stubs = Array.from({ length: 24 }, () => tether.stub({ transport }))
    const first = Promise.all(stubs.map((each, i) => each(i, stubContext({ remainingMs: 600_000 }))))
    await clock.advance(60_000)
    await first
    expect(open.map(({ lanes }) => lanes.length)).toEqual([4, 4, 4, 4])
    const all = () => open.flatMap(({ lanes }) => lanes).sort((a, b) => a - b)
    const every = Array.from({ length: LANES }, (_, lane) => lane)
    expect(all()).toEqual(every)

    open[0]!.cut()
    await settle()
    expect(open).toHaveLength(3)
    expect(all()).toEqual(every)
    await clock.advance(1_000)
    expect(open.map(({ lanes }) => lanes.length)).toEqual([4, 4, 4, 4])
    expect(all()).toEqual(every)
    // Something was connected all the time.
    expect(statuses).not.toContain('disconnected')

    for (const { cut } of [...open]) cut()
    await settle()
    expect(statuses).toContain('disconnected')
    await clock.advance(20_000)
    expect(session.status.state).toBe('connected')
    expect(all()).toEqual(every)
  })

  it.each([0, 17, 1.5, Number.NaN, '4'])("refuses 'connections' of { max: %s }", async (max) => {
    await using tether = new Tether()
    expect(() => tether.session({ connections: { max: max as number } })).toThrow(/'connections.max' must be/)
  })
})
