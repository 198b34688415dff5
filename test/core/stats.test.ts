import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Invocation, SessionStats, Transport, TransportPricing } from '../../src/index.js'
import { memoryStore } from '../../src/stores/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const PRICING = { unitBytes: 5_120, usdPerMillionUnits: 1, usdPerMillionMinutes: 0.08 }
const incompressible = (bytes: number) => randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64')

function priced(transport: Transport, pricing: TransportPricing = PRICING): Transport {
  const { name, limits } = transport
  return { name, limits, pricing, connect: (...args) => transport.connect(...args) }
}

const echo = (invocation: Invocation) => invocation.respond(invocation.event)

describe('a session’s statistics', () => {
  it('begin at zero, have no price if the transport has none, and are copies', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', echo)
    const before = session.stats()
    expect(before).toEqual({
      invocations: { received: 0, answered: 0, failed: 0, declined: 0, running: 0, overlaps: 0, replayed: 0 },
      frames: { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 },
      bodies: { received: { bytes: 0, compressedBytes: 0 }, sent: { bytes: 0, compressedBytes: 0 } },
      resends: { answers: 0, parts: 0 },
      duplicates: { frames: 0, invocations: 0 },
      offloads: { events: 0, responses: 0 },
      discards: {
        malformed: 0,
        version: 0,
        key: 0,
        forged: 0,
        'too-large': 0,
        replayed: 0,
        clock: 0,
        late: 0,
      },
      connections: 0,
      connectedMs: 0,
    } satisfies SessionStats)
    await session.open()
    await tether.stub()('x', stubContext())
    expect(before.invocations.received).toBe(0)
    expect(session.stats().invocations.received).toBe(1)
  })

  it('count invocations by outcome', async () => {
    await using tether = new Tether()
    const session = tether.session()
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    session.serve({
      functions: {
        api: (event) => {
          if (event === 'bad') throw new Error('no')
          return event === 'slow' ? released : event
        },
      },
    })
    await session.open()
    const stub = tether.stub()
    await stub('good', stubContext())
    await expect(stub('bad', stubContext())).rejects.toThrow('no')
    await expect(tether.stub({ functionId: 'other' })('x', stubContext())).rejects.toThrow('other')
    const slow = stub('slow', stubContext())
    await settle()
    expect(session.stats().invocations).toEqual({
      received: 4,
      answered: 1,
      failed: 1,
      declined: 1,
      running: 1,
      overlaps: 0,
      replayed: 0,
    })
    release()
    await slow
    expect(session.stats().invocations).toMatchObject({ answered: 2, running: 0 })
  })

  it('count an invocation that hits its deadline as failed, and its late outcome as a discard', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session()
    await session.open()
    const next = session.next('api')
    const call = tether
      .stub()('x', stubContext({ remainingMs: 2_000 }))
      .catch(() => 'over')
    await clock.advance(10)
    const invocation = await next
    await clock.advance(3_000)
    await call
    expect(session.stats().invocations).toMatchObject({ received: 1, failed: 1, running: 0 })
    await invocation.respond('late')
    expect(session.stats().discards.late).toBe(1)
    expect(session.stats().invocations).toMatchObject({ answered: 0, failed: 1 })
  })

  it('meter a warm invocation of 1 KB as four units, and a larger one by its size', async () => {
    await using tether = new Tether()
    const session = tether.session({ transport: priced(tether.transport) }).on('invoke', echo)
    await session.open()
    const stub = tether.stub()
    await stub('warm', stubContext())
    const used = async (event: unknown) => {
      const before = session.stats()
      tether.transport.take('session')
      await stub(event, stubContext())
      const after = session.stats()
      return {
        frames: [after.frames.sent - before.frames.sent, after.frames.received - before.frames.received],
        units: after.meteredUnits! - before.meteredUnits!,
      }
    }
    expect(await used(incompressible(900))).toEqual({ frames: [1, 1], units: 4 })
    expect(await used(incompressible(15_000))).toEqual({ frames: [1, 1], units: 12 })
  })

  it('meter a frame including its address', async () => {
    await using tether = new Tether()
    const addressBytes = ({ role }: { readonly role: string }) => (role === 'stub' ? 5_120 : 0)
    const transport = priced(tether.transport, { ...PRICING, addressBytes })
    const session = tether.session({ transport }).on('invoke', echo)
    await session.open()
    const stub = tether.stub()
    await stub('warm', stubContext())
    const before = session.stats().meteredUnits!
    await stub('warm', stubContext())
    expect(session.stats().meteredUnits! - before).toBe(2 + 4)
  })

  it('meter connections of the session and of environments, and its retained presence', async () => {
    const used = async (transport: Transport, tether: Tether) => {
      const session = tether.session({ transport }).on('invoke', echo)
      await session.open()
      const stub = tether.stub()
      const atStart = session.stats()
      await stub('cold', stubContext())
      const cold = session.stats()
      await stub('warm', stubContext())
      const frames = ({ frames: { sent, received } }: SessionStats) => 2 * (sent + received)
      return [
        atStart.meteredUnits! - frames(atStart),
        cold.meteredUnits! - atStart.meteredUnits! - frames(cold) + frames(atStart),
        session.stats().meteredUnits! - cold.meteredUnits! - frames(session.stats()) + frames(cold),
      ]
    }
    const pricing = { ...PRICING, unitsPerConnection: 2 }
    await using forgetful = new Tether()
    expect(await used(priced(forgetful.transport, pricing), forgetful)).toEqual([2, 2, 0])
    await using keeping = new Tether()
    // A kept frame is metered twice where it is sent, and once where it arrives.
    const keeps = Object.assign(priced(keeping.transport, pricing), { keeps: keeping.transport.keeps })
    expect(await used(keeps, keeping)).toEqual([2 + 2 + 1, 2 + 1, 0])
  })

  it('meter a frame once if the broker does', async () => {
    await using tether = new Tether()
    const transport = priced(tether.transport, { ...PRICING, counts: 'sent' })
    const session = tether.session({ transport }).on('invoke', echo)
    await session.open()
    const stub = tether.stub()
    await stub('warm', stubContext())
    const before = session.stats().meteredUnits!
    await stub(incompressible(900), stubContext())
    expect(session.stats().meteredUnits! - before).toBe(2)
  })

  it('add up the bytes of frames', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', echo)
    await session.open()
    const claims = session.stats().frames
    await tether.stub()(incompressible(3_000), stubContext())
    const { passed } = tether.transport
    const to = (role: string) => passed.filter((passing) => passing.to.role === role)
    const bytes = (role: string) => to(role).reduce((sum, { frame }) => sum + frame.length, 0)
    const { frames } = session.stats()
    // The claims that it sends to its own name come back.
    const own = frames.received - to('session').length
    expect(frames.sent).toBe(to('stub').length + own)
    const ownBytes = frames.receivedBytes - bytes('session')
    expect(frames.sentBytes).toBe(bytes('stub') + ownBytes)
    expect(own).toBeGreaterThanOrEqual(claims.received)
  })

  it('price units and connection-minutes, through reconnects, and hold after closing', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session({ transport: priced(tether.transport) })
    // Nothing tells it whether another session is there, so it listens for a moment.
    await clock.during(250, session.open())
    await clock.advance(89_750)
    expect(session.stats().connectedMs).toBe(90_000)
    tether.transport.cut('session')
    await clock.advance(1_000)
    const reconnected = session.stats().connectedMs
    expect(reconnected).toBeLessThan(91_000)
    expect(reconnected).toBeGreaterThan(90_000)
    await clock.advance(9_000)
    expect(session.stats().connectedMs).toBe(reconnected + 9_000)
    await session.close()
    const { connectedMs, meteredUnits, estimatedUsd } = session.stats()
    await clock.advance(60_000)
    expect(session.stats().connectedMs).toBe(connectedMs)
    expect(meteredUnits).toBeGreaterThan(0)
    expect(estimatedUsd).toBeCloseTo((meteredUnits! + (connectedMs / 60_000) * 0.08) / 1e6, 12)
  })

  it('compare the sizes of bodies with the bytes sent', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', (invocation) => invocation.respond('y'.repeat(50_000)))
    await session.open()
    const stub = tether.stub()
    await stub('warm', stubContext())
    const before = session.stats().bodies
    await stub(incompressible(2_998), stubContext())
    const { received, sent } = session.stats().bodies
    expect(received.bytes - before.received.bytes).toBe(3_002)
    // Base64 has six bits in each byte: brotli finds a quarter, and no more.
    expect(received.compressedBytes - before.received.compressedBytes).toBeGreaterThan(2_200)
    expect(received.compressedBytes).toBeLessThan(received.bytes)
    expect(sent.bytes - before.sent.bytes).toBe(50_002)
    expect(sent.compressedBytes - before.sent.compressedBytes).toBeLessThan(1_000)
  })

  it('count answers and parts that a stub asked for again', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    let answer: unknown = 'small'
    const session = tether.session().on('invoke', (invocation) => invocation.respond(answer))
    await session.open()
    const stub = tether.stub()
    const call = async () => {
      const answered = stub('x', stubContext())
      await clock.advance(5_000)
      return answered
    }
    await call()
    expect(session.stats().resends).toEqual({ answers: 0, parts: 0 })
    const lose = (nth: number) => {
      let seen = 0
      tether.transport.filter = ({ to, frame }) => (to.role === 'stub' && seen++ === nth ? [] : [frame])
    }
    lose(0)
    await call()
    expect(session.stats().resends).toEqual({ answers: 1, parts: 0 })
    answer = incompressible(9_000)
    lose(2)
    expect(await call()).toBe(answer)
    expect(session.stats().resends).toEqual({ answers: 1, parts: 1 })
  })

  it('count duplicate frames, whole or in parts, and do not run them', async () => {
    await using tether = new Tether({ frameBytes: 2_048 })
    let ran = 0
    const session = tether.session().on('invoke', (invocation) => {
      ran++
      return invocation.respond('ok')
    })
    await session.open()
    const stub = tether.stub()
    await stub('warm', stubContext())
    tether.transport.filter = ({ to, frame }) => (to.role === 'session' ? [frame, frame] : [frame])
    await stub('x', stubContext())
    await settle()
    const small = session.stats().duplicates.frames
    expect(small).toBeGreaterThanOrEqual(1)
    tether.transport.take('session')
    await stub(incompressible(9_000), stubContext())
    await settle()
    const parts = tether.transport.take('session').length
    expect(session.stats().duplicates).toEqual({ frames: small + parts, invocations: 0 })
    expect(ran).toBe(3)
  })

  it('count an invocation overtaken by its own ask once, and its late copy as a duplicate', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let ran = 0
    const session = tether.session().on('invoke', (invocation) => {
      ran++
      return invocation.respond('ok')
    })
    await session.open()
    let held: Uint8Array | undefined
    let index = 0
    tether.transport.filter = ({ to, frame }) => {
      if (to.role !== 'session') return [frame]
      const nth = index++
      if (nth === 0) {
        held = frame
        return []
      }
      // The question, answered with `unknown`; then the invocation again, and behind it the first.
      return nth === 2 ? [frame, held!] : [frame]
    }
    const call = tether.stub()('x', stubContext())
    await clock.advance(1_000)
    expect(await call).toBe('ok')
    expect(ran).toBe(1)
    expect(session.stats()).toMatchObject({
      invocations: { received: 1, answered: 1 },
      duplicates: { frames: 0, invocations: 1 },
    })
  })

  it('count bodies that went through the store', async () => {
    await using tether = new Tether({ frameBytes: 20_000 })
    await using store = memoryStore()
    const session = tether.session({ store }).on('invoke', echo)
    await session.open()
    const stub = tether.stub()
    await stub('small', stubContext())
    expect(session.stats().offloads).toEqual({ events: 0, responses: 0 })
    const before = session.stats().bodies
    await stub(incompressible(200_000), stubContext())
    const { offloads, bodies } = session.stats()
    expect(offloads).toEqual({ events: 1, responses: 1 })
    for (const way of ['received', 'sent'] as const) {
      expect(bodies[way].bytes - before[way].bytes).toBe(200_002)
      const travelled = bodies[way].compressedBytes - before[way].compressedBytes
      expect(travelled).toBeGreaterThan(149_000)
      expect(travelled).toBeLessThan(160_000)
    }
  })

  it('count discards by reason', async () => {
    await using tether = new Tether()
    const session = tether.session()
    await session.open()
    const self = { app: 'shop', stage: 'dev', role: 'stub', name: 'stranger' } as const
    await using stranger = await tether.transport.connect(self, { onFrame() {} })
    const to = { ...self, role: 'session', name: 'default', lane: 0 } as const
    await stranger.send(to, Buffer.from('garbage'))
    await stranger.send(to, randomBytes(200))
    await settle()
    const { discards } = session.stats()
    expect(Object.values(discards).reduce((sum, count) => sum + count)).toBe(2)
    expect(discards.malformed).toBeGreaterThanOrEqual(1)
    expect(tether.discards).toHaveLength(2)
  })
})
