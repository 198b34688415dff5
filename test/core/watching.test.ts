import { describe, expect, it } from 'vitest'
import type { Invocation, Session, SessionEvents, SessionStatus, TetherError } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const ADVICE = "A listener of 'invoke' takes an invocation by calling ack() before its first await"

/** What a session reports of its listeners that failed. */
function failed(session: Session): unknown[] {
  const failures: unknown[] = []
  session.on('status', (status: SessionStatus) => {
    if (status.state === 'listener-failed') failures.push([status.event, (status.error as Error).message])
  })
  return failures
}

describe('a listener of invoke that takes nothing', () => {
  it('lets NO_HANDLER come at once when only next() is used', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const seen: unknown[] = []
    const session = tether.session().on('invoke', ({ event }) => seen.push(event))
    await session.open()
    const outcome = tether
      .stub()('x', stubContext())
      .catch((error: unknown) => error)
    await settle()
    expect(await outcome).toMatchObject({
      name: 'LambdaTether.NO_HANDLER',
      message: expect.stringContaining(ADVICE),
    })
    expect(seen).toEqual(['x'])
    expect(clock.passed).toBe(0)
    const next = session.next('api')
    const answer = tether.stub()('y', stubContext())
    await (await next).respond('by next')
    expect(await answer).toBe('by next')
    expect(seen).toEqual(['x', 'y'])
  })

  it('lets served code run, even if it throws or rejects', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: { api: (event: unknown) => event } })
    const failures = failed(session)
    session
      .on('invoke', () => {
        throw new Error('thrown')
      })
      .on('invoke', async () => {
        throw new Error('rejected at once')
      })
      .on('invoke', async () => {
        await settle()
        throw new Error('rejected later')
      })
    await session.open()
    expect(await tether.stub()('served', stubContext())).toBe('served')
    await settle(24)
    expect(failures).toEqual([
      ['invoke', 'thrown'],
      ['invoke', 'rejected at once'],
      ['invoke', 'rejected later'],
    ])
  })

  it('does not fail an invocation that an earlier or later listener took', async () => {
    await using tether = new Tether()
    const session = tether.session()
    const failures = failed(session)
    const watch = (name: string) => async () => {
      await settle(1)
      throw new Error(name)
    }
    session
      .on('invoke', watch('before'))
      .on('invoke', async (invocation) => {
        await invocation.ack()
        await settle()
        await invocation.respond('taken')
      })
      .on('invoke', watch('after'))
    await session.open()
    expect(await tether.stub()({}, stubContext())).toBe('taken')
    expect(failures).toEqual([
      ['invoke', 'before'],
      ['invoke', 'after'],
    ])
  })

  it.each<[string, (invocation: Invocation) => Promise<void>]>([
    ['ack', (invocation) => invocation.ack()],
    ['respond', (invocation) => invocation.respond('late')],
    ['fail', (invocation) => invocation.fail(new Error('late'))],
  ])('gets an error when it calls %s() too late', async (_name, take) => {
    await using tether = new Tether()
    const late: TetherError[] = []
    const watch: SessionEvents['invoke'] = async (invocation) => {
      await settle()
      await take(invocation).catch((error: TetherError) => late.push(error))
    }
    const sessions = {
      served: tether
        .session({ name: 'served' })
        .serve({ functions: { api: () => settle(24).then(() => 1) } }),
      declined: tether.session({ name: 'declined' }).serve({ functions: { other: () => 1 } }),
      nothing: tether.session({ name: 'nothing' }),
    }
    for (const [session, made] of Object.entries(sessions)) {
      await made.on('invoke', watch).open()
      await tether
        .stub({ session })({}, stubContext())
        .catch(() => {})
      await settle(24)
    }
    expect(late.map(({ code }) => code)).toEqual(['NOT_TAKEN', 'NOT_TAKEN', 'NOT_TAKEN'])
    expect(late.every(({ message }) => message.includes(ADVICE))).toBe(true)
    const reasons = ['was given to the code that is served', 'was declined: it does not serve', 'NO_HANDLER']
    for (const [index, reason] of reasons.entries()) expect(late[index]!.message).toContain(reason)
  })
})

describe('a listener of invoke that took an invocation', () => {
  it('fails it with its later rejection', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: { api: () => 'served' } })
    const failures = failed(session)
    session.on('invoke', async (invocation) => {
      await invocation.ack()
      await settle()
      throw new RangeError('its own')
    })
    await session.open()
    const outcome = tether.stub()({}, stubContext())
    await expect(outcome).rejects.toMatchObject({ name: 'RangeError', message: 'its own' })
    expect(failures).toEqual([])
  })

  it('and answered it is reported when it throws', async () => {
    await using tether = new Tether()
    const session = tether.session()
    const failures = failed(session)
    session.on('invoke', async (invocation) => {
      await invocation.respond('answered')
      throw new Error('too late to matter')
    })
    await session.open()
    expect(await tether.stub()({}, stubContext())).toBe('answered')
    await settle()
    expect(failures).toEqual([['invoke', 'too late to matter']])
  })

  it('once leaves the next one alone', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: { api: () => 'served' } })
    session.once('invoke', (invocation) => invocation.respond('once'))
    await session.open()
    const stub = tether.stub()
    expect([await stub({}, stubContext()), await stub({}, stubContext())]).toEqual(['once', 'served'])
  })
})

describe('events', () => {
  it('carry the outcome: its bytes, and its value on first read', async () => {
    await using tether = new Tether()
    const session = tether.session()
    session.serve({
      functions: {
        api: (event) => {
          if (event === 'fail') throw new RangeError('no')
          return { got: event }
        },
      },
    })
    const outcomes: unknown[] = []
    session.on('respond', (_, response) => {
      const text = Buffer.from(response.body).toString()
      const { value } = response
      outcomes.push([text, value, value === response.value])
    })
    session.on('fail', (_, { body, error }) => {
      const parsed = JSON.parse(Buffer.from(body).toString())
      outcomes.push([parsed.errorType, parsed.errorMessage, parsed.trace.length === error.trace.length])
    })
    await session.open()
    const stub = tether.stub()
    await stub('x', stubContext())
    await stub('fail', stubContext()).catch(() => {})
    expect(outcomes).toEqual([
      ['{"got":"x"}', { got: 'x' }, true],
      ['RangeError', 'no', true],
    ])
  })

  it('carry a time since open() that never goes back, even if the clock is set', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const times: unknown[] = []
    const session = tether.session().serve({
      functions: {
        api: async () => {
          clock.set(-3_600_000)
          return 1
        },
      },
    })
    session.on('invoke', (_, { atMs }) => times.push(['invoke', atMs]))
    session.on('ack', (_, { atMs }) => times.push(['ack', atMs]))
    session.on('respond', (_, { atMs, durationMs }) => times.push(['respond', atMs, durationMs]))
    session.on('close', ({ atMs }) => times.push(['close', atMs]))
    await clock.advance(5_000)
    await session.open()
    await clock.advance(70_000)
    await tether.stub()({}, stubContext())
    await clock.advance(10)
    await session.close()
    expect(times).toEqual([
      ['invoke', 70_000],
      ['ack', 70_000],
      ['respond', 70_000, 0],
      ['close', 70_010],
    ])
  })

  it('tell of a decline after it has happened', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: { other: () => 1 } })
    const seen: unknown[] = []
    session.on('decline', (invocation) => seen.push([invocation.functionId, invocation.settled]))
    await session.open()
    await expect(tether.stub()({}, stubContext())).rejects.toMatchObject({ code: 'DECLINED' })
    expect(seen).toEqual([['api', true]])
  })
})
