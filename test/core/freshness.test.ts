import { describe, expect, it } from 'vitest'
import { generateKey, type Transport } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const HOUR_MS = 3_600_000

/** A session that counts its runs, and a way to send it what was recorded. */
async function recording(tether: Tether) {
  const runs: unknown[] = []
  const start = async () => {
    const session = tether.session().on('invoke', (invocation) => {
      runs.push(invocation.event)
      return invocation.respond('ran')
    })
    await session.open()
    return session
  }
  const session = await start()
  await tether.stub()('once', stubContext())
  const frames = tether.transport.take('session').map(({ frame }) => frame)
  const replay = async () => {
    const attacker = await tether.transport.connect(
      { app: 'shop', stage: 'dev', role: 'stub', name: 'attacker' },
      { onFrame() {} },
    )
    for (const frame of frames) {
      await attacker.send({ app: 'shop', stage: 'dev', role: 'session', name: 'default' }, frame)
      await settle()
    }
    await attacker.close()
  }
  return { runs, session, start, replay }
}

describe('a recorded invocation', () => {
  it('does not run in a restarted session, young or old', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { runs, session, start, replay } = await recording(tether)
    await session.close()
    await start()
    await replay()
    await clock.advance(61_000)
    await replay()
    expect(runs).toEqual(['once'])
  })

  it.each([1_000, 61_000, 121_000, 200_000, HOUR_MS])(
    'does not run in the same session %i ms later',
    async (laterMs) => {
      const clock = new ManualClock()
      await using tether = new Tether({ clock })
      const { runs, replay } = await recording(tether)
      clock.jump(laterMs)
      await replay()
      clock.jump(laterMs)
      await replay()
      expect(runs).toEqual(['once'])
    },
  )

  it('is dropped when its challenge goes unanswered, at any number of recordings', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let runs = 0
    const transport = tether.forgetful
    const session = tether.session({ transport }).on('invoke', () => {
      runs++
    })
    await clock.during(250, session.open())
    tether.transport.filter = ({ to, frame }) => (to.role === 'stub' ? [] : [frame])
    const outcomes = Promise.allSettled(
      Array.from({ length: 20 }, () => tether.stub({ transport })('x', stubContext())),
    )
    await clock.advance(10_000)
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true)
    expect(runs).toBe(0)
  })
})

describe('a session that has just begun', () => {
  /** How many messages an environment's next invocation takes that has known the session before. */
  async function messagesAfterRestart(
    clock: ManualClock,
    choose: (tether: Tether) => Transport,
  ): Promise<number> {
    await using tether = new Tether({ clock })
    const transport = choose(tether)
    const start = async () => {
      const session = tether.session({ transport }).on('invoke', (invocation) => invocation.respond('ran'))
      await clock.during(250, session.open())
      return session
    }
    const before = await start()
    const stub = tether.stub({ transport })
    await stub({}, stubContext())
    await before.close()
    await start()
    tether.transport.take('session')
    expect(await stub({}, stubContext())).toBe('ran')
    return tether.transport.take('session').length
  }

  it('does not challenge a stub that knows its presence, and gets the variables at once', async () => {
    expect(await messagesAfterRestart(new ManualClock(), ({ transport }) => transport)).toBe(1)
  })

  it('challenges a stub that knows another session, and asks for the variables', async () => {
    expect(await messagesAfterRestart(new ManualClock(), ({ forgetful }) => forgetful)).toBe(3)
  })
})

describe('clocks that disagree', () => {
  it.each([-HOUR_MS, HOUR_MS])('by %i ms cost only one more exchange', async (skewMs) => {
    const clock = new ManualClock()
    const remote = new ManualClock(clock.now() + skewMs)
    await using tether = new Tether({ clock })
    const transport = tether.forgetful
    const session = tether.session({ transport }).on('invoke', (invocation) => invocation.respond('ran'))
    await clock.during(250, session.open())
    await clock.advance(61_000)
    const stub = tether.stub({ transport, clock: remote })
    expect(await stub({}, stubContext())).toBe('ran')
    expect(tether.transport.take('session')).toHaveLength(2)
    expect(await stub({}, stubContext())).toBe('ran')
    expect(tether.transport.take('session')).toHaveLength(1)
  })

  it('do not make a stub resend a large event', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    const transport = tether.forgetful
    const session = tether.session({ transport }).on('invoke', (invocation) => invocation.respond('ran'))
    await clock.during(250, session.open())
    const random = Buffer.from(crypto.getRandomValues(new Uint8Array(20_000))).toString('base64')
    expect(await tether.stub({ transport })(random, stubContext())).toBe('ran')
    const bytes = tether.transport.take('session').reduce((sum, { frame }) => sum + frame.length, 0)
    expect(bytes).toBeLessThan(1.5 * random.length)
  })
})

describe('a key that is rotated', () => {
  it('works with stubs on the old and the new key at once, until it is dropped', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const [before, after] = [generateKey(), generateKey()]
    const transport = tether.transport
    const base = { app: 'shop', stage: 'dev', transport, clock }
    const both = tether.session({ ...base, key: undefined as never, keys: [after, before] })
    both.on('invoke', (invocation) => invocation.respond('ran'))
    await both.open()
    const old = tether.stub({ key: before })
    const fresh = tether.stub({ key: after })
    expect(await Promise.all([old({}, stubContext()), fresh({}, stubContext())])).toEqual(['ran', 'ran'])
    await both.close()

    const rotated = tether
      .session({ ...base, key: after })
      .on('invoke', (invocation) => invocation.respond('ran'))
    await rotated.open()
    expect(await fresh({}, stubContext())).toBe('ran')
    const outcome = old({}, stubContext()).catch((error: unknown) => error)
    await clock.advance(3_000)
    expect(await outcome).toMatchObject({
      code: 'NO_SESSION',
      message: expect.stringContaining("this stub's key"),
    })
  })

  it('is given once: as `key`, or first in `keys`', () => {
    const tether = new Tether()
    expect(() => tether.session({ keys: [generateKey()] })).toThrow(/either 'key' or 'keys'/)
    expect(() => tether.session({ key: undefined as never, keys: [] })).toThrow(/'keys' must be a list/)
    expect(() => tether.session({ key: undefined as never })).toThrow(/'key' must be 32 bytes/)
  })
})
