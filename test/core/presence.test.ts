import { describe, expect, it } from 'vitest'
import type { Transport } from '../../src/index.js'
import { FaultyTransport } from '../support/faulty-transport.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** What becomes of a call, without waiting for more than what is ready. */
async function soon(call: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'waiting'
  call.then(
    (value) => {
      state = value
    },
    (error: { code: string }) => {
      state = error.code
    },
  )
  await settle()
  return state
}

async function served(tether: Tether, transport: Transport = tether.transport) {
  const session = tether.session({ transport }).on('invoke', (invocation) => invocation.respond('served'))
  await session.open()
  await settle()
  return session
}

/** The tether's transport, where `keep` is replaced; what gives undefined goes through. */
function keeping(tether: Tether, keep: (frame: Uint8Array) => Promise<void> | undefined): Transport {
  return Object.assign(Object.create(tether.transport) as Transport, {
    connect: async (...parameters: Parameters<Transport['connect']>) => {
      const connection = await tether.transport.connect(...parameters)
      const kept = connection.keep!.bind(connection)
      return Object.assign(connection, { keep: (frame: Uint8Array) => keep(frame) ?? kept(frame) })
    },
  })
}

describe('presence', () => {
  it('tells the next invocation of a graceful close at once', async () => {
    await using tether = new Tether({ clock: new ManualClock() })
    const session = await served(tether)
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('served')
    await session.close()
    await settle()
    expect(await soon(stub({}, stubContext()))).toBe('NO_SESSION')
  })

  it('tells an environment that connects after a graceful close, and one after the next opening', async () => {
    await using tether = new Tether({ clock: new ManualClock() })
    await (await served(tether)).close()
    expect(await soon(tether.stub()({}, stubContext()))).toBe('NO_SESSION')
    await served(tether)
    expect(await soon(tether.stub()({}, stubContext()))).toBe('served')
  })

  it('brings an environment back from NO_SESSION as soon as a session opens', async () => {
    await using tether = new Tether({ clock: new ManualClock() })
    const session = await served(tether)
    const stub = tether.stub()
    await stub({}, stubContext())
    await session.close()
    await settle()
    expect(await soon(stub({}, stubContext()))).toBe('NO_SESSION')
    await served(tether)
    expect(await soon(stub({}, stubContext()))).toBe('served')
  })

  it('waits no longer than usual for a session that the broker lost', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await served(tether)
    tether.transport.admit = ({ role }) => {
      if (role === 'session') throw new Error('down')
    }
    tether.transport.cut('session')
    await settle()
    const call = tether.stub()({}, stubContext())
    expect(await soon(call)).toBe('waiting')
    await clock.advance(2_900)
    expect(await soon(call)).toBe('waiting')
    await clock.advance(100)
    expect(await soon(call)).toBe('NO_SESSION')
  })

  it('makes an environment four times as patient, while it lasts', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = await served(tether)
    const stub = tether.stub()
    await stub({}, stubContext())
    tether.transport.filter = () => []
    const call = stub({}, stubContext({ remainingMs: 60_000 }))
    await soon(call)
    await clock.advance(11_900)
    expect(await soon(call)).toBe('waiting')
    await clock.advance(100)
    expect(await soon(call)).toBe('NO_SESSION')

    tether.transport.filter = ({ frame }) => [frame]
    await clock.advance(10_000)
    const next = stub({}, stubContext({ remainingMs: 60_000 }))
    expect(await soon(next)).toBe('served')
    tether.transport.filter = () => []
    const last = stub({}, stubContext({ remainingMs: 60_000 }))
    await soon(last)
    tether.transport.admit = ({ role }) => {
      if (role === 'session') throw new Error('down')
    }
    tether.transport.cut('session')
    await clock.advance(3_000)
    expect(await soon(last)).toBe('NO_SESSION')
    void session
  })

  it('is republished when the will of a replaced connection arrives late', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let will: Uint8Array | undefined
    const own = Object.assign(Object.create(tether.transport) as Transport, {
      connect: (...[self, handlers, options]: Parameters<Transport['connect']>) => {
        will ??= options?.will
        return tether.transport.connect(self, handlers, options)
      },
    })
    const session = await served(tether, own)
    // The first connection breaks for the session; the broker finds out when the next one is long there.
    tether.transport.cut('session')
    await clock.advance(1_000)
    expect(session.status.state).toBe('connected')
    const broker = await tether.transport.connect(
      { app: 'shop', stage: 'dev', role: 'session', name: 'default' },
      { onFrame() {} },
    )
    await broker.keep!(will!)
    await settle()
    await clock.advance(500)
    expect(await soon(tether.stub()({}, stubContext()))).toBe('served')
    await session.close()
    expect(await soon(tether.stub()({}, stubContext()))).toBe('NO_SESSION')
  })

  it('is republished until the broker accepts it, at most once per `everyMs`', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const kept: number[] = []
    const own: Transport = {
      name: 'throttled',
      limits: tether.transport.limits,
      keeps: { everyMs: 1_000 },
      async connect(...parameters) {
        const connection = await tether.transport.connect(...parameters)
        const keep = connection.keep!.bind(connection)
        return Object.assign(connection, {
          async keep(frame: Uint8Array) {
            kept.push(clock.now())
            // The broker drops the first two, without a word.
            if (kept.length > 2) await keep(frame)
          },
        })
      },
    }
    const opening = served(tether, own)
    await clock.advance(10_000)
    const session = await opening
    expect(kept).toHaveLength(3)
    // Back after a cut and closed at once: what is said waits for its turn.
    tether.transport.cut('session')
    await clock.advance(500)
    const closing = session.close()
    await clock.advance(2_000)
    await closing
    expect(kept.length).toBeGreaterThan(3)
    expect(kept.slice(1).every((at, i) => at - kept[i]! >= 1_000)).toBe(true)
  })

  it('delays open() until its signal fires at most', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session({ transport: keeping(tether, async () => {}) })
    const abort = new AbortController()
    const opening = session.open({ signal: abort.signal })
    expect(await soon(opening)).toBe('waiting')
    abort.abort()
    expect(await soon(opening)).toBe('ABORTED')
    // It leaves nothing behind.
    await soon(session.close())
    expect(tether.transport.connections('session')).toBe(0)
    expect(await soon(session.open())).toBe('CLOSED')
  })

  it('delays open() and close() by at most three seconds when keep() never settles', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session({ transport: keeping(tether, () => new Promise(() => {})) })
    const opening = session.open()
    await clock.advance(2_999)
    expect(await soon(opening)).toBe('waiting')
    await clock.advance(1)
    expect(await soon(opening)).toBe(session)
    const closing = session.close()
    await clock.advance(2_999)
    expect(await soon(closing)).toBe('waiting')
    await clock.advance(1)
    expect(await soon(closing)).toBeUndefined()
    expect(tether.transport.connections()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('ends with its connection even while keep() is pending', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let said = 0
    const hanging = () => (++said > 1 ? new Promise<void>(() => {}) : undefined)
    const session = tether.session({ transport: keeping(tether, hanging) })
    await session.open()
    const closing = session.close()
    expect(await soon(closing)).toBe('waiting')
    tether.transport.cut('session')
    expect(await soon(closing)).toBeUndefined()
  })

  it('does not make an answer late that is in flight when its session says goodbye', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = await served(tether)
    const stub = tether.stub()
    await stub({}, stubContext())
    clock.jump(1)
    let held = 0
    tether.transport.filter = ({ to, frame }) => {
      if (to.role === 'session') return [frame]
      held++
      return []
    }
    const call = stub({}, stubContext())
    await soon(call)
    expect(held).toBe(1)
    await session.close()
    // Not taken for nobody: its answer may be on its way.
    expect(await soon(call)).toBe('waiting')
    await clock.advance(1_000)
    expect(await soon(call)).toBe('NO_SESSION')
  })

  it('does not outlive a displacement', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const older = await served(tether)
    clock.jump(1_000)
    await served(tether)
    expect(older.status.state).toBe('closed')
    expect(await soon(tether.stub()({}, stubContext()))).toBe('served')
  })

  it('lets a session with a slow clock follow a closed session', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const ahead = tether.session({ clock: new ManualClock(clock.now() + 3_600_000) })
    await ahead.on('invoke', (invocation) => invocation.respond('ahead')).open()
    await settle()
    const stub = tether.stub()
    expect(await soon(stub({}, stubContext()))).toBe('ahead')
    await ahead.close()
    await served(tether)
    expect(await soon(stub({}, stubContext()))).toBe('served')
  })
})

describe('after a failed wait', () => {
  it('an environment fails at once for ten seconds, then waits again', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const stub = tether.stub({ transport: tether.forgetful })
    const first = stub({}, stubContext())
    expect(await soon(first)).toBe('waiting')
    await clock.advance(3_000)
    expect(await soon(first)).toBe('NO_SESSION')
    clock.jump(9_900)
    expect(await soon(stub({}, stubContext()))).toBe('NO_SESSION')
    clock.jump(200)
    const later = stub({}, stubContext())
    expect(await soon(later)).toBe('waiting')
    await clock.advance(3_000)
    expect(await soon(later)).toBe('NO_SESSION')
  })

  it('an invocation that fails without waiting says when the last wait failed, and how long ago', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const stub = tether.stub({ transport: tether.forgetful })
    const messageOf = (call: Promise<unknown>) => call.catch(({ message }: Error) => message)
    const first = messageOf(stub({}, stubContext()))
    await clock.advance(3_000)
    expect(await first).toMatch(/answered within 3000 ms/)
    const nobodyAt = new Date(clock.now()).toISOString()
    clock.jump(4_200)
    const second = await messageOf(stub({}, stubContext()))
    expect(second).toMatch(/No session 'default' of 'shop' in stage 'dev' answered 4200 ms ago/)
    expect(second).toContain(`(at ${nobodyAt})`)
    expect(second).toMatch(/this invocation did not wait/)
    expect(second).toMatch(/asks in the background/)
    expect(second).toMatch(/5800 ms/)
    clock.jump(800)
    expect(await messageOf(stub({}, stubContext()))).toMatch(/answered 5000 ms ago/)
  })

  it('an invocation that does not wait for an unreachable broker says so, with the reason', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    tether.transport.admit = () => {
      throw new Error('the wire is cut')
    }
    const stub = tether.stub()
    const first = stub({}, stubContext()).catch(({ message }: Error) => message)
    await clock.advance(5_000)
    expect(await first).toMatch(/within 4750 ms/)
    clock.jump(1_000)
    await expect(stub({}, stubContext())).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/could not be reached 1250 ms ago .*did not wait.*the wire is cut/),
    })
  })

  it('an environment asks in the background, so that the next invocation finds an opened session', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const transport = tether.forgetful
    const stub = tether.stub({ transport })
    const first = stub({}, stubContext())
    await soon(first)
    await clock.advance(3_000)
    expect(await soon(first)).toBe('NO_SESSION')
    await clock.during(250, served(tether, transport))
    expect(await soon(stub({}, stubContext()))).toBe('NO_SESSION')
    expect(await soon(stub({}, stubContext()))).toBe('served')
  })

  it('an invocation waits again for a broker that is reachable again', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await served(tether)
    const flaky = new FaultyTransport(tether.transport)
    flaky.admit = () => {
      throw new Error('down')
    }
    const stub = tether.stub({ transport: flaky })
    const first = stub({}, stubContext())
    await soon(first)
    await clock.advance(5_000)
    expect(await soon(first)).toBe('UNREACHABLE')
    expect(await soon(stub({}, stubContext()))).toBe('UNREACHABLE')
    flaky.admit = () => {}
    // This one has the connection made, for the next.
    await soon(stub({}, stubContext()))
    expect(await soon(stub({}, stubContext()))).toBe('served')
  })
})
