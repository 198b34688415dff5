import { describe, expect, it } from 'vitest'
import { deferred } from '../../../src/core/base/deferred.js'
import type { Connection, LambdaContext, SessionOptions, Take, Transport } from '../../../src/index.js'
import { ManualClock, settle } from '../../support/manual-clock.js'
import { stubContext } from '../../support/stub-context.js'
import { Tether } from '../../support/tether.js'

const team = ['alice', 'bob']
const marked = (name: string) => ({
  Records: [{ messageAttributes: { 'x-tether-session': { stringValue: name } } }],
})

/** A stage that is shared, and whose functions have code of their own. */
class Stage extends Tether {
  readonly clock: ManualClock

  constructor({ clock = new ManualClock() }: { clock?: ManualClock } = {}) {
    super({ clock })
    this.clock = clock
  }

  /** An open session that answers with its name. */
  async member(name: string, take?: Take, options: Partial<SessionOptions> = {}) {
    const session = this.session({ name, team, ...(take && { take }), ...options })
    session.on('invoke', (invocation) => invocation.respond(name))
    await session.open()
    await settle()
    return session
  }

  /** Its transport, whose connections are in part a test's. */
  changed(change: (connection: Connection) => Partial<Connection>): Transport {
    const { name, limits, keeps } = this.transport
    return {
      name,
      limits,
      keeps,
      connect: async (...args) => {
        const connection = await this.transport.connect(...args)
        return { ...connection, ...change(connection) }
      },
    }
  }

  /** A function's environment; without a session its own code answers `cloud`. */
  environment(functionId = 'api', names: readonly string[] = team) {
    const stub = this.stub({ functionId, team: names, passthrough: async () => 'cloud' })
    return (event: unknown, context: Partial<LambdaContext> = {}) =>
      stub(event, { ...stubContext(), ...context })
  }
}

describe('of a team, an invocation goes', () => {
  it('to the session that takes its function, or else to the function’s own code', async () => {
    await using stage = new Stage()
    await stage.member('alice', { functions: ['api'] })
    await stage.member('bob', { functions: ['report-*'] })
    expect(await stage.environment('api')({})).toBe('alice')
    expect(await stage.environment('report-day')({})).toBe('bob')
    expect(await settled(stage.environment('other')({}), stage)).toBe('cloud')
  })

  it('to the session it is marked for, before a session that takes everything', async () => {
    await using stage = new Stage()
    await stage.member('alice')
    await stage.member('bob', { marker: 'bob' })
    const invoke = stage.environment()
    expect(await invoke(marked('bob'))).toBe('bob')
    expect(await invoke(marked('alice'))).toBe('alice')
    expect(await invoke({})).toBe('alice')
  })

  it('to the first in the list of two sessions that take it, in any order of opening', async () => {
    await using stage = new Stage()
    const bob = await stage.member('bob')
    await stage.member('alice')
    const overlaps: string[] = []
    bob.on('overlap', (_invocation, { also }) => void overlaps.push(...also))
    expect(await stage.environment()({})).toBe('alice')
    expect(await stage.environment('api', ['bob', 'alice'])({})).toBe('bob')
    expect(overlaps).toEqual(['alice'])
    expect(bob.stats().invocations.overlaps).toBe(1)
  })

  it('to the function’s own code at once, without a frame, while no session is there', async () => {
    await using stage = new Stage()
    expect(await settled(stage.environment()({}), stage)).toBe('cloud')
    expect(stage.transport.passed).toEqual([])
  })

  it('to the next session when one declines, and never to the first again', async () => {
    await using stage = new Stage()
    const alice = stage.session({ name: 'alice', team }).serve({ functions: { other: async () => 'other' } })
    await alice.open()
    await stage.member('bob')
    const invoke = stage.environment()
    expect(await invoke({})).toBe('bob')
    expect(alice.stats().invocations.declined).toBe(1)
    await alice.close()
  })

  it('to the next session even when the broker confirms the first send after the decline', async () => {
    await using stage = new Stage()
    const alice = stage.session({ name: 'alice', team }).serve({ functions: { other: async () => 'other' } })
    await alice.open()
    const bob = stage.session({ name: 'bob', team })
    const confirmed = deferred()
    bob.on('invoke', async (invocation) => {
      void invocation.ack()
      confirmed.resolve()
      await settle()
      await invocation.respond('bob')
    })
    await bob.open()
    const transport = stage.changed((connection) => ({
      send: async (to, ...rest) => {
        await connection.send(to, ...rest)
        if (to.name === 'alice') await confirmed.promise
      },
    }))
    const stub = stage.stub({ team, transport, onNobody: 'throw' })
    let answer: unknown
    void stub({}, stubContext()).then((value) => {
      answer = value
    })
    await settle(60)
    expect(answer).toBe('bob')
  })

  it('to the function’s own code when all decline', async () => {
    await using stage = new Stage()
    for (const name of team) {
      const session = stage.session({ name, team }).serve({ functions: { other: async () => 'other' } })
      await session.open()
    }
    expect(await stage.environment()({})).toBe('cloud')
  })

  it('to the function’s own code after a session leaves, and to the session when it returns', async () => {
    await using stage = new Stage()
    const alice = await stage.member('alice')
    const invoke = stage.environment()
    expect(await settled(invoke({}), stage)).toBe('alice')
    await alice.close()
    expect(await settled(invoke({}), stage)).toBe('cloud')
    await stage.member('alice')
    expect(await invoke({})).toBe('alice')
  })

  it('by the changed card of a session in a warm environment', async () => {
    await using stage = new Stage()
    const alice = await stage.member('alice', { functions: ['api'] })
    await stage.member('bob', { marker: 'bob' })
    const invoke = stage.environment()
    expect(await invoke({})).toBe('alice')
    alice.setTake({ functions: ['other'] })
    await settle()
    expect(await invoke({})).toBe('cloud')
    alice.setTake(undefined)
    await settle()
    expect(await invoke({})).toBe('alice')
    expect(() => alice.setTake({})).toThrow("'take' is empty")
  })
})

describe('a session that is silent', () => {
  it('costs one invocation three seconds, not twelve, and is skipped for ten', async () => {
    const clock = new ManualClock()
    await using stage = new Stage({ clock })
    await stage.member('alice')
    await stage.member('bob', { marker: 'bob' })
    const invoke = stage.environment()
    expect(await invoke({})).toBe('alice')
    stage.transport.filter = ({ to, frame }) => (to.name === 'alice' ? [] : [frame])
    const silent = invoke({})
    await clock.advance(3_100)
    expect(await silent).toBe('cloud')
    expect(await invoke({})).toBe('cloud')
    expect(await invoke(marked('bob'))).toBe('bob')
    stage.transport.filter = ({ frame }) => [frame]
    await clock.advance(10_000)
    expect(await invoke({})).toBe('alice')
  })

  it('ends the search: the next session is not asked', async () => {
    const clock = new ManualClock()
    await using stage = new Stage({ clock })
    await stage.member('alice')
    const bob = await stage.member('bob')
    const invoke = stage.environment()
    stage.transport.filter = ({ to, frame }) => (to.name === 'alice' ? [] : [frame])
    const silent = invoke({})
    await clock.advance(3_100)
    expect(await silent).toBe('cloud')
    expect(bob.stats().invocations.received).toBe(0)
    expect(await invoke({})).toBe('bob')
  })

  it('is no candidate once its broker has lost it', async () => {
    await using stage = new Stage()
    await stage.member('alice')
    const invoke = stage.environment()
    expect(await settled(invoke({}), stage)).toBe('alice')
    stage.transport.admit = ({ role }) => {
      if (role === 'session') throw new Error('down')
    }
    stage.transport.cut('session')
    await settle()
    expect(await settled(invoke({}), stage)).toBe('cloud')
  })
})

describe('a cold environment', () => {
  it('uses a matching filter at once, and waits at most 100 ms for other cards', async () => {
    const clock = new ManualClock()
    await using stage = new Stage({ clock })
    await stage.member('bob')
    await stage.member('bob2', { marker: 'x' }, { name: 'bob2', team: ['bob2'] })
    const names = ['alice', 'bob', 'bob2']
    expect(await stage.environment('api', names)(marked('x'))).toBe('bob2')
    let answer: unknown
    void stage
      .environment(
        'api',
        names,
      )({})
      .then((value) => {
        answer = value
      })
    await clock.advance(99)
    expect(answer).toBe(undefined)
    await clock.advance(1)
    await settle()
    expect(answer).toBe('bob')
  })
})

it('a stub that is closed while it searches for a session fails with CLOSED, and leaves no timer', async () => {
  await using stage = new Stage()
  stage.transport.admit = () => {
    throw new Error('down')
  }
  const stub = stage.stub({ team, passthrough: async () => 'cloud' })
  const call = stub({}, stubContext())
  const failing = expect(call).rejects.toMatchObject({ code: 'CLOSED' })
  await settle()
  await stub.close()
  await settle()
  expect(stage.clock.pending).toBe(0)
  await failing
})

describe('a team', () => {
  it('of one is an ordinary session', async () => {
    await using stage = new Stage()
    await stage.member('alice', undefined, { team: ['alice'] })
    const invoke = stage.environment('api', ['alice'])
    expect(await invoke({})).toBe('alice')
  })

  it('lists its members with state, time and `take`', async () => {
    const clock = new ManualClock()
    await using stage = new Stage({ clock })
    const seen: unknown[] = []
    const alice = await stage.member('alice')
    alice.on('team', ({ name, state, take }) => void seen.push([name, state, take]))
    expect(alice.team()).toMatchObject([{ name: 'alice', own: true, state: 'online', since: clock.now() }])
    const bob = await stage.member('bob', { functions: ['b'] })
    const others = { name: 'bob', own: false, state: 'online', take: { functions: ['b'] } }
    expect(alice.team()).toMatchObject([{ name: 'alice' }, others])
    expect(bob.team()).toMatchObject([
      { name: 'alice', own: false },
      { ...others, own: true },
    ])
    bob.setTake({ marker: 'bob' })
    await settle()
    await bob.close()
    await settle()
    expect(alice.team()).toMatchObject([{ name: 'alice' }])
    expect(seen).toEqual([
      ['bob', 'online', { functions: ['b'] }],
      ['bob', 'online', { marker: 'bob' }],
      ['bob', 'closed', undefined],
    ])
  })

  it('is not looked up again once the session closes', async () => {
    await using stage = new Stage()
    const kept = deferred<readonly string[]>()
    let looks = 0
    const look = () => {
      looks++
      return kept.promise
    }
    const session = stage.session({ name: 'alice', team, transport: stage.changed(() => ({ look })) })
    await session.open()
    const closing = session.close()
    kept.resolve([])
    await closing
    await settle()
    expect(looks).toBe(1)
    expect(stage.clock.pending).toBe(0)
  })

  it('is warned when another session takes the same without a filter', async () => {
    await using stage = new Stage()
    const warned = async (name: string, take?: Take) => {
      const session = stage.session({ name, team, ...(take && { take }) })
      const conflicts: string[] = []
      session.on('status', (status) => {
        if (status.state === 'conflict') conflicts.push(status.error.message)
      })
      await session.open()
      await settle()
      return { session, conflicts }
    }
    await warned('alice', { functions: ['api', 'report-*'] })
    for (const take of [{ functions: ['orders'] }, { marker: 'bob' }]) {
      const { session, conflicts } = await warned('bob', take)
      expect(conflicts).toEqual([])
      await session.close()
    }
    for (const take of [undefined, { functions: ['*-day'] }]) {
      const { session, conflicts } = await warned('bob', take)
      expect(conflicts).toEqual([
        expect.stringMatching(/'alice' of the team takes api, report-\* without a filter/),
      ])
      await session.close()
    }
  })

  it('rejects open() on a conflict when `onConflict` is set, unseen by stubs', async () => {
    await using stage = new Stage()
    await stage.member('bob')
    const alice = stage.session({ name: 'alice', team, onConflict: 'refuse' })
    alice.on('invoke', (invocation) => invocation.respond('alice'))
    const opening = alice.open()
    await expect(opening).rejects.toMatchObject({ code: 'CONFLICT', details: { name: 'bob' } })
    await settle()
    expect(await stage.environment()({})).toBe('bob')
    const other = await stage.member('alice', { marker: 'alice' }, { onConflict: 'refuse' })
    expect(other.team()).toHaveLength(2)
  })

  it('limits cards to a frame of the transport', async () => {
    await using tether = new Tether({ frameBytes: 1_024 })
    const card = (bytes: number) => ({ functions: ['a'.repeat(bytes - '{"functions":[""]}'.length)] })
    expect(() => tether.session({ take: card(625) })).toThrow(
      "'take' has 625 bytes of JSON; at most 624 fit a card in a frame of 1024 bytes.",
    )
    let kept = 0
    const { transport } = tether
    const connect: Transport['connect'] = async (...args) => {
      const connection = await transport.connect(...args)
      const keep = async (frame: Uint8Array) => {
        kept = Math.max(kept, frame.length)
        await connection.keep!(frame)
      }
      return { ...connection, keep }
    }
    const { name, limits, keeps } = transport
    const session = await tether
      .session({ take: card(624), transport: { name, limits, keeps, connect } })
      .open()
    expect(() => session.setTake(card(625))).toThrow('at most 624')
    expect(kept).toBeGreaterThan(850)
    expect(kept).toBeLessThanOrEqual(1_024)
  })

  it('needs its own name, and a broker with retained frames', async () => {
    await using stage = new Stage()
    expect(() => stage.session({ name: 'carol', team })).toThrow("own name, 'carol'")
    expect(() => stage.session({ name: 'alice', team, transport: stage.forgetful })).toThrow(
      "'team' needs a broker",
    )
    expect(() => stage.session({ take: { marker: 'a' }, transport: stage.forgetful })).toThrow(
      "'take' needs a broker",
    )
    expect(() => stage.stub({ team, transport: stage.forgetful })).toThrow("'team' needs a broker that keeps")
    expect(() => stage.stub({ team, session: 'alice' })).toThrow("either 'session' or 'team'")
  })
})

/** What a call gives, when the 100 ms have passed in which a cold environment waits for cards. */
async function settled(call: Promise<unknown>, stage: Stage): Promise<unknown> {
  await settle()
  await stage.clock.advance(100)
  return call
}
