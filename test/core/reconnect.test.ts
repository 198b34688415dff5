import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { Link } from '../../src/core/link/link.js'
import type { Connection, LinkStatus, Transport } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { FaultyTransport } from '../support/faulty-transport.js'
import { ManualClock, settle } from '../support/manual-clock.js'

const SELF = { app: 'a', stage: 'b', role: 'session', name: 'c' } as const

function link(clock: ManualClock, transport: Transport, random = () => 1) {
  const statuses: LinkStatus[] = []
  const made = new Link({
    transport,
    self: SELF,
    clock,
    random,
    onFrame() {},
    onStatus: (status) => statuses.push(status),
  })
  return {
    link: made,
    statuses,
    waits: () => statuses.flatMap((s) => (s.state === 'disconnected' ? [s.retryInMs] : [])),
  }
}

describe('a link', () => {
  it('backs off from 250 ms to 10 s and starts over after success', async () => {
    const clock = new ManualClock()
    const transport = new FaultyTransport(memory())
    let refusing = true
    transport.admit = () => {
      if (refusing) throw new Error('refused')
    }
    const { link: made, waits } = link(clock, transport)
    made.start()
    await clock.advance(30_000)
    expect(waits()).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
    refusing = false
    await clock.advance(10_000)
    expect(made.connected).toBe(true)
    await clock.advance(60_000)
    transport.cut('session')
    await settle()
    expect(waits().at(-1)).toBe(250)
    await clock.advance(250)
    expect(made.connected).toBe(true)
    await made.stop()
    expect(transport.connections()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('tries again after 60 s if connect() never settles, and closes a late connection', async () => {
    const clock = new ManualClock()
    const transport = new FaultyTransport(memory())
    const opened = deferred<void>()
    const signals: (AbortSignal | undefined)[] = []
    let hanging = true
    const slow: Transport = {
      name: 'slow',
      limits: transport.limits,
      connect: async (...args) => {
        signals.push(args[2]?.signal)
        if (hanging) await opened.promise
        return await transport.connect(...args)
      },
    }
    const { link: made, statuses, waits } = link(clock, slow)
    made.start()
    await clock.advance(60_000)
    expect(waits()).toEqual([250])
    expect(statuses).toContainEqual(
      expect.objectContaining({
        state: 'disconnected',
        error: expect.objectContaining({
          code: 'UNREACHABLE',
          message: expect.stringContaining("Transport 'slow' did not connect within 60000 ms"),
        }),
      }),
    )
    hanging = false
    await clock.advance(250)
    expect(made.connected).toBe(true)
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false])
    opened.resolve()
    await settle()
    expect(transport.connections()).toBe(1)
    await made.stop()
    expect(clock.pending).toBe(0)
  })

  it('backs off from a broker that accepts and drops at once', async () => {
    const clock = new ManualClock()
    const transport = new FaultyTransport(memory())
    const { link: made, waits } = link(clock, transport)
    made.start()
    for (let i = 0; i < 5; i++) {
      await settle()
      transport.cut('session')
      await clock.advance(waits().at(-1) ?? 0)
      await clock.advance(waits().at(-1)!)
    }
    expect(waits().slice(0, 4)).toEqual([250, 500, 1000, 2000])
    await made.stop()
  })

  it('jitters between half and all of the wait', async () => {
    const clock = new ManualClock()
    const transport = new FaultyTransport(memory())
    transport.admit = () => {
      throw new Error('refused')
    }
    const { link: made, waits } = link(clock, transport, () => 0)
    made.start()
    await settle()
    expect(waits()).toEqual([125])
    await made.stop()
  })

  it('connects at once for a waiting caller, and rejects the caller when stopped or aborted', async () => {
    const clock = new ManualClock()
    const transport = new FaultyTransport(memory())
    let refusals = 3
    transport.admit = () => {
      if (refusals-- > 0) throw new Error('refused')
    }
    const { link: made } = link(clock, transport)
    made.start()
    await clock.advance(300)
    const aborted = made.ready({ signal: AbortSignal.abort() })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    const ready = made.ready()
    await settle()
    const again = made.ready()
    await settle()
    await Promise.all([ready, again])
    transport.admit = () => {
      throw new Error('refused')
    }
    transport.cut('session')
    await settle()
    const waiting = expect(made.ready()).rejects.toMatchObject({ code: 'CLOSED' })
    await made.stop()
    await waiting
    await expect(made.ready()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(made.send(SELF, new Uint8Array(1))).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('opens a successor a minute before a connection expires, and closes the old one after', async () => {
    const clock = new ManualClock()
    const inner = new FaultyTransport(memory())
    const expiring: Transport = {
      name: 'expiring',
      limits: inner.limits,
      connect: async (...args) => {
        const connection = await inner.connect(...args)
        return Object.assign(connection, { expiresAt: clock.now() + 7_200_000 }) as Connection
      },
    }
    const { link: made, statuses } = link(clock, expiring)
    await made.open()
    await clock.advance(7_139_999)
    expect(inner.connections()).toBe(1)
    await clock.advance(1)
    expect(inner.connections()).toBe(2)
    expect(made.connected).toBe(true)
    await clock.advance(1_000)
    expect(inner.connections()).toBe(1)
    expect(statuses.some(({ state }) => state === 'disconnected')).toBe(false)
    await made.stop()
  })

  it('keeps a living connection when its successor cannot be opened', async () => {
    const clock = new ManualClock()
    const transport = new FaultyTransport(memory())
    const { link: made } = link(clock, transport)
    await made.open()
    transport.admit = () => {
      throw new Error('refused')
    }
    made.renew()
    await clock.advance(1_000)
    expect(made.connected).toBe(true)
    await made.send(SELF, new Uint8Array(1))
    await made.stop()
    expect(transport.connections()).toBe(0)
  })

  it('leaves no send pending when the connection ends, even if the transport hangs', async () => {
    const clock = new ManualClock()
    const inner = new FaultyTransport(memory())
    const hanging: Transport = {
      name: 'hanging',
      limits: inner.limits,
      connect: async (...args) =>
        Object.assign(await inner.connect(...args), {
          send: () => new Promise<void>(() => {}),
          close: () => Promise.reject(new Error('close failed')),
        }),
    }
    const { link: made } = link(clock, hanging)
    await made.open()
    const sending = expect(made.send(SELF, new Uint8Array(1))).rejects.toMatchObject({ code: 'UNREACHABLE' })
    inner.cut('session')
    await sending
    await clock.advance(250)
    expect(made.connected).toBe(true)
    const aborted = made.send(SELF, new Uint8Array(1), { signal: AbortSignal.abort() })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    const stopped = expect(made.send(SELF, new Uint8Array(1))).rejects.toMatchObject({ code: 'UNREACHABLE' })
    await made.stop()
    await stopped
  })

  it('leaves no connection behind when the successor of a replaced connection fails, and keeps renewing', async () => {
    const clock = new ManualClock()
    const transport = new FaultyTransport(memory())
    const { link: made } = link(clock, transport)
    await made.open()
    let refusals = 1
    transport.admit = () => {
      if (refusals-- > 0) throw new Error('refused')
    }
    made.replace()
    await clock.advance(1_000)
    expect(made.connected).toBe(true)
    expect(transport.connections()).toBe(1)

    refusals = 1
    made.renew()
    await clock.advance(5_000)
    expect(refusals).toBe(-1)
    expect(transport.connections()).toBe(1)
    await made.stop()
    expect(transport.connections()).toBe(0)
  })
})
