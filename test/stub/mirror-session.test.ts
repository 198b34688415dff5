import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Caller } from '../../src/core/caller/caller.js'
import type { CallInput } from '../../src/core/caller/options.js'
import { readStubKey } from '../../src/core/wire/stub-key.js'
import type { Invocation, PayloadStore, Transport } from '../../src/index.js'
import { callFacts } from '../../src/stub/call-input.js'
import { EnvironmentReader } from '../../src/stub/environment-reader.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const input = (event: unknown): CallInput => ({
  ...callFacts(stubContext(), new EnvironmentReader({ TABLE: 'orders' }), 'api'),
  event: Buffer.from(JSON.stringify(event)),
})

/** A mirroring stub, and what its session has sent back. */
function mirroring(
  tether: Tether,
  clock: ManualClock,
  transport: Transport = tether.transport,
): { caller: Caller; frames(role: string): number } {
  const caller = new Caller({
    app: 'shop',
    stage: 'dev',
    session: 'default',
    key: readStubKey('key', tether.stubKey('api')),
    transport,
    ackTimeoutMs: 3_000,
    connectTimeoutMs: 5_000,
    deadlineMarginMs: 500,
    onSessionLost: 'rerun',
    clock,
  })
  onTestFinished(() => caller.close())
  const frames = (role: string) => tether.transport.passed.filter(({ to }) => to.role === role).length
  return { caller, frames }
}

/** A session that remembers all it has said: first contacts are taken as they come. */
const SEASONED_MS = 61_000

describe('a mirrored invocation', () => {
  it('is run, and its response is not sent', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller, frames } = mirroring(tether, clock)
    const ran: unknown[] = []
    const events: string[] = []
    const session = tether.session()
    session.serve({ functions: { api: async (event: unknown) => ran.push(event) } })
    session.on('invoke', ({ mirrored, env }) => events.push(`invoke ${mirrored} ${env.TABLE}`))
    session.on('respond', () => events.push('respond'))
    await session.open()
    await clock.advance(SEASONED_MS)
    await caller.mirror(input({ n: 1 }), 'event')
    await clock.advance(1_000)
    expect(ran).toEqual([{ n: 1 }])
    expect(events).toEqual(['invoke event orders', 'respond'])
    // One message each: no question, no acknowledgement, no result.
    expect(frames('stub')).toBe(0)
    await clock.advance(200_000)
    expect(frames('stub')).toBe(0)
    await session.close()
  })

  it.each([
    ['fails', { api: () => Promise.reject(new Error('local')) }],
    ['is not served', { other: async () => 1 }],
  ])('sends its stub nothing when it %s', async (_how, functions) => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller, frames } = mirroring(tether, clock)
    const session = tether.session()
    await session.serve({ functions }).open()
    await clock.advance(SEASONED_MS)
    await caller.mirror(input({}), 'event')
    await clock.advance(1_000)
    expect(frames('stub')).toBe(0)
    expect(session.stats().invocations.received).toBe(1)
  })

  it('leaves nothing of its response behind, in memory or in the payload store', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller } = mirroring(tether, clock)
    const nowhere = async () => ({ url: 'http://127.0.0.1', headers: {} })
    const put = vi.fn(async () => {})
    const store: PayloadStore = {
      name: 'nowhere',
      put,
      get: () => Promise.reject(new Error('empty')),
      delete: async () => {},
      presignPut: nowhere,
      presignGet: nowhere,
    }
    const session = tether.session({ store })
    session.serve({ functions: { api: async () => randomBytes(200_000).toString('hex') } })
    const responded = new Promise((resolve) => session.on('respond', resolve))
    await session.open()
    await clock.advance(SEASONED_MS)
    await caller.mirror(input({}), 'event')
    await responded
    await settle()
    expect(put).not.toHaveBeenCalled()
  })

  it('has its outcome once, as any other', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller } = mirroring(tether, clock)
    const session = tether.session()
    await session.open()
    const next = session.next('api', { timeoutMs: 100_000 })
    await clock.advance(SEASONED_MS)
    await caller.mirror(input({ n: 1 }), 'event')
    const invocation: Invocation = await next
    await invocation.respond('ignored')
    expect(invocation.settled).toBe(true)
    await expect(invocation.respond('again')).rejects.toMatchObject({ code: 'ALREADY_SETTLED' })
  })

  it('without its event is shown to listeners, and not run', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller } = mirroring(tether, clock)
    const seen: [unknown, unknown, string][] = []
    const session = tether.session()
    session.serve({ functions: { api: () => expect.fail('run') } })
    session.on('fail', () => expect.fail('failed'))
    session.on('invoke', ({ mirrored, event, context }) => seen.push([mirrored, event, context.functionName]))
    await session.open()
    const next = session.next('api', { where: () => expect.fail('offered'), timeoutMs: 70_000 })
    const timedOut = expect(next).rejects.toMatchObject({ code: 'TIMEOUT' })
    await clock.advance(SEASONED_MS)
    await caller.mirror(input(null), 'metadata')
    await clock.advance(10_000)
    expect(seen).toEqual([['metadata', null, 'app-dev-api']])
    expect(session.stats().invocations).toMatchObject({ received: 1, declined: 1, running: 0 })
    await timedOut
    await session.close()
  })

  it('reaches a session that has just begun: its question is answered', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller, frames } = mirroring(tether, clock)
    const ran: unknown[] = []
    await tether
      .session()
      .serve({ functions: { api: async (event: unknown) => ran.push(event) } })
      .open()
    await caller.mirror(input(1), 'event')
    await settle()
    expect(ran).toEqual([1])
    const asked = frames('session')
    await caller.mirror(input(2), 'event')
    await settle()
    expect(ran).toEqual([1, 2])
    expect(frames('session')).toBe(asked + 1)
  })

  it('is not sent to a session that has said goodbye', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller, frames } = mirroring(tether, clock)
    const session = tether.session()
    await session.open()
    await session.close()
    caller.connect()
    await settle()
    const before = frames('session')
    await caller.mirror(input(1), 'event')
    await settle()
    expect(frames('session')).toBe(before)
  })

  it('leaves uncompressed', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller } = mirroring(tether, clock)
    await tether.session().open()
    await caller.mirror(input('x'.repeat(50_000)), 'event')
    const bytes = tether.transport.passed.reduce((sum, { frame }) => sum + frame.length, 0)
    expect(bytes).toBeGreaterThan(50_000)
  })
})

describe('a mirror that was frozen', () => {
  it('drops unsent and half-sent events, and sends later ones', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    // The broker takes the first frame and then, for a while, no more.
    let stuck = true
    let frames = 0
    const waiting: (() => void)[] = []
    const sticky: Transport = {
      name: 'sticky',
      limits: tether.transport.limits,
      connect: async (...args) => {
        const connection = await tether.transport.connect(...args)
        return {
          ...connection,
          send: async (...sent) => {
            frames++
            if (stuck && frames > 1) await new Promise<void>((resolve) => waiting.push(resolve))
            return connection.send(...sent)
          },
        }
      },
    }
    const { caller } = mirroring(tether, clock, sticky)
    const ran: unknown[] = []
    await tether
      .session()
      .serve({ functions: { api: async (event: unknown) => ran.push(event) } })
      .open()
    await clock.advance(SEASONED_MS)
    const large = randomBytes(20_000).toString('hex')
    const dropped = expect(caller.mirror(input(large), 'event')).rejects.toMatchObject({ code: 'ABORTED' })
    await settle()
    // Eight at once, of twenty.
    expect(frames).toBe(1 + 8)
    clock.jump(3_600_000)
    stuck = false
    const after = caller.mirror(input('small'), 'event')
    for (const release of waiting) release()
    await dropped
    await after
    await clock.advance(30_000)
    expect(ran).toEqual(['small'])
  })

  it('does not send an event that waited for a connection', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { caller } = mirroring(tether, clock)
    const ran: unknown[] = []
    await tether
      .session()
      .serve({ functions: { api: async (event: unknown) => ran.push(event) } })
      .open()
    await clock.advance(SEASONED_MS)
    tether.transport.admit = () => {
      throw new Error('no way')
    }
    const dropped = expect(caller.mirror(input('before'), 'event')).rejects.toMatchObject({ code: 'ABORTED' })
    await settle()
    clock.jump(60_000)
    tether.transport.admit = () => {}
    const after = caller.mirror(input('after'), 'event')
    await dropped
    await clock.advance(10_000)
    await after
    await clock.advance(1_000)
    expect(ran).toEqual(['after'])
  })
})
