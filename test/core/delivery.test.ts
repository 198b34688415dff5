import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { delay } from '../../src/core/base/delay.js'
import { encodeMessage } from '../../src/core/wire/codec.js'
import { decodeHeader } from '../../src/core/wire/frame.js'
import type { InvokeMessage } from '../../src/core/wire/protocol.js'
import type { Clock, Connection, Invocation, Transport } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { Sealer } from '../support/sealer.js'
import { stubContext } from '../support/stub-context.js'
import { openListening, Tether } from '../support/tether.js'

/** A session whose invocations wait until the test answers them. */
function holding(tether: Tether, options = {}) {
  const held: Invocation[] = []
  const session = tether.session(options).on('invoke', (invocation) => {
    held.push(invocation)
    return invocation.ack()
  })
  return { session, held }
}

/** A stub's transport with frames that leave late. */
class SlowTransport implements Transport {
  readonly name = 'slow'
  sendsInMs = 0
  readonly #inner: Transport
  readonly #clock: Clock

  constructor(inner: Transport, clock: Clock) {
    this.#inner = inner
    this.#clock = clock
  }

  get limits(): Transport['limits'] {
    return this.#inner.limits
  }

  async connect(...[self, handlers, options]: Parameters<Transport['connect']>): Promise<Connection> {
    const connection = await this.#inner.connect(self, handlers, options)
    return {
      ...connection,
      send: async (to, frame, sendOptions) => {
        if (this.sendsInMs > 0) await delay(this.sendsInMs, { clock: this.#clock })
        await connection.send(to, frame, sendOptions)
      },
    }
  }
}

/** Text of CJK characters that does not compress much. */
function variedText(characters: number): string {
  let state = 42
  return Array.from({ length: characters }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return String.fromCodePoint(0x4e00 + ((state >>> 16) % 20_000))
  }).join('')
}

/** An invocation, as any stub sends it. */
function invokeAt(sentAt: number): InvokeMessage {
  const { callbackWaitsForEmptyEventLoop: _, ...rest } = stubContext()
  const context = JSON.parse(JSON.stringify(rest))
  const env = Buffer.from('{}')
  const sending = { remainingMs: 10_000, ageMs: 0, sentAt, envFingerprint: 'none', settled: [], epoch: 0 }
  return { type: 'invoke', id: 'id', functionId: 'api', context, event: Buffer.from('1'), env, ...sending }
}

describe('delivery', () => {
  it('takes two messages for a quick invocation, and acknowledges after 25 ms otherwise', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session, held } = holding(tether)
    await session.open()
    // Old enough to tell a recording from a first contact.
    await clock.advance(61_000)
    const stub = tether.stub()
    const quick = stub('quick', stubContext())
    await clock.advance(24)
    await held[0]!.respond('q')
    expect(await quick).toBe('q')
    expect(tether.transport.take('stub')).toHaveLength(1)
    expect(tether.transport.take('session')).toHaveLength(0)

    const slow = stub('slow', stubContext())
    await clock.advance(24)
    expect(tether.transport.take('stub')).toHaveLength(0)
    await clock.advance(1)
    expect(tether.transport.take('stub')).toHaveLength(1)
    await held[1]!.respond('s')
    expect(await slow).toBe('s')
  })

  it('acknowledges at once where local code shares the event loop', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().serve({ functions: { api: () => new Promise(() => {}) } })
    const acked: string[] = []
    session.on('ack', (invocation) => acked.push(invocation.id))
    await session.open()
    const outcome = tether
      .stub()({}, stubContext())
      .catch((error: Error) => error.name)
    await settle()
    expect(acked).toHaveLength(1)
    await clock.advance(10_000)
    expect(await outcome).toBe('LambdaTether.DEADLINE')
  })

  it('expects quick code on the event loop to stay quick, until it is slow', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let wait: Promise<unknown> | undefined
    let finish = () => {}
    const acked: unknown[] = []
    const session = tether.session().serve({ functions: { api: () => wait } })
    session.on('ack', ({ event }) => acked.push(event))
    await session.open()
    const stub = tether.stub()
    await stub('first', stubContext())
    await stub('second', stubContext())
    wait = new Promise<void>((resolve) => {
      finish = resolve
    })
    const third = stub('third', stubContext())
    await clock.advance(26)
    finish()
    await third
    await stub('fourth', stubContext())
    expect(acked).toEqual(['first', 'third', 'fourth'])
  })

  it('runs an invocation once when every frame arrives twice', async () => {
    await using tether = new Tether()
    tether.transport.filter = ({ frame }) => [frame, frame]
    let runs = 0
    const session = tether.session().serve({ functions: { api: () => ++runs } })
    await session.open()
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe(1)
    expect(await stub({}, stubContext())).toBe(2)
    expect(runs).toBe(2)
    expect(tether.discards).toEqual([])
  })

  it('runs an asynchronous retry under the same request id again', async () => {
    await using tether = new Tether()
    const ids = new Set<string>()
    const session = tether.session().on('invoke', (invocation) => {
      ids.add(invocation.id)
      return invocation.fail(new Error('retry me'))
    })
    await session.open()
    const stub = tether.stub()
    const context = stubContext()
    for (let attempt = 0; attempt < 3; attempt++) await expect(stub({}, context)).rejects.toThrow('retry me')
    expect(ids.size).toBe(3)
  })

  it('recovers a lost invocation and a lost answer by asking', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let runs = 0
    const session = tether.session().on('invoke', (invocation) => invocation.respond(++runs))
    await session.open()
    const stub = tether.stub()
    tether.transport.filter = ({ index }) => (index === 0 ? [] : [tether.transport.passed[index]!.frame])
    const lostInvocation = stub({}, stubContext())
    await clock.advance(300)
    expect(await lostInvocation).toBe(1)

    tether.transport.take('stub')
    tether.transport.filter = ({ index, frame }) => (index === 1 ? [] : [frame])
    const lostAnswer = stub({}, stubContext())
    await clock.advance(300)
    expect(await lostAnswer).toBe(2)
    expect(runs).toBe(2)
  })

  it('does not run an invocation that arrives after its cancellation', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session, held } = holding(tether)
    await session.open()
    await clock.advance(61_000)
    const late: Uint8Array[] = []
    tether.transport.filter = ({ to, frame, index }) => {
      if (index > 0 || to.role === 'stub') return to.role === 'stub' ? [] : [frame]
      late.push(frame)
      return []
    }
    const outcome = tether
      .stub()({}, stubContext())
      .catch((error: { code: string }) => error.code)
    await clock.advance(299)
    tether.transport.filter = ({ frame }) => (frame.length < 400 ? [frame] : [])
    await clock.advance(20_000)
    expect(await outcome).toBe('NO_SESSION')
    const attacker = await tether.transport.connect(
      { app: 'shop', stage: 'dev', role: 'stub', name: 'delayed' },
      { onFrame() {} },
    )
    for (const frame of late) {
      await attacker.send({ app: 'shop', stage: 'dev', role: 'session', name: 'default' }, frame)
    }
    await settle()
    expect(late).toHaveLength(1)
    expect(held).toHaveLength(0)
  })

  it('discards a late answer', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session, held } = holding(tether)
    await session.open()
    const stub = tether.stub()
    const first = expect(stub('first', stubContext({ remainingMs: 2_000 }))).rejects.toMatchObject({
      code: 'DEADLINE',
      message: expect.stringMatching(
        /still running in session 'default' when 500 ms of its 2000 ms were left/,
      ),
    })
    // The stub's cancellation is lost: to the session the first is still wanted.
    await clock.advance(1_499)
    tether.transport.filter = ({ to, frame }) => (to.role === 'session' ? [] : [frame])
    await clock.advance(1)
    await first
    tether.transport.filter = ({ frame }) => [frame]
    const second = stub('second', stubContext())
    await settle()
    await held[0]!.respond('answer to the first')
    await settle()
    await held[1]!.respond('answer to the second')
    expect(await second).toBe('answer to the second')
  })

  it('aborts an invocation that the stub gave up on, and reports its outcome as late', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session, held } = holding(tether)
    const failed: string[] = []
    session.on('fail', (_, { error }) => failed.push(error.errorMessage))
    await session.open()
    const outcome = tether
      .stub()({}, stubContext({ remainingMs: 2_000 }))
      .catch((error: Error) => error)
    await clock.advance(1_500)
    await outcome
    await settle()
    expect(held[0]!.signal.aborted).toBe(true)
    expect(failed).toEqual([expect.stringContaining('The stub gave up')])
    await held[0]!.respond('late')
    expect(tether.discards).toMatchObject([{ reason: 'late' }])
  })

  it('carries varied text of 60,000 characters both ways in several frames, in any order', async () => {
    await using tether = new Tether()
    const text = variedText(60_000)
    const session = tether.session().on('invoke', (invocation) => invocation.respond(invocation.event))
    await session.open()
    const held: Uint8Array[] = []
    tether.transport.filter = ({ frame }) => {
      // Each message's first frame comes last.
      const { header } = decodeHeader(frame)
      if (header.index === 0 && header.count > 1) {
        held.push(frame)
        return []
      }
      return header.index === header.count - 1 ? [frame, ...held.splice(0)] : [frame]
    }
    expect(await tether.stub()({ text: `\u2028${text}` }, stubContext())).toEqual({ text: `\u2028${text}` })
    expect(tether.transport.take('session').length).toBeGreaterThan(1)
  })

  it.each(['session', 'stub'] as const)(
    'sends only the lost part of a large message to a %s again',
    async (role) => {
      const clock = new ManualClock()
      await using tether = new Tether({ clock, frameBytes: 20_000 })
      let runs = 0
      const session = tether.session().on('invoke', (invocation) => {
        runs++
        return invocation.respond(invocation.event)
      })
      await session.open()
      let lost = 0
      tether.transport.filter = ({ to, frame }) => {
        const { header } = decodeHeader(frame)
        if (to.role !== role || lost > 0 || header.index !== 3) return [frame]
        lost++
        return []
      }
      const text = variedText(60_000)
      const answered = tether.stub()(text, stubContext())
      await clock.advance(5_000)
      expect(await answered).toBe(text)
      expect(runs).toBe(1)
      const parts = tether.transport.passed.map(
        ({ to, frame }) => [to.role, decodeHeader(frame).header] as const,
      )
      const large = parts.filter(([to, { count }]) => to === role && count > 1)
      // Every part once, and the lost one twice.
      expect(large.length).toBe(large[0]![1].count + 1)
    },
  )

  it('compresses bodies, never the variables', async () => {
    await using tether = new Tether()
    const secret = 'SECRET'.repeat(500)
    const session = tether.session().on('invoke', (invocation) => {
      expect(invocation.env.TOKEN).toBe(secret)
      return invocation.respond('answer '.repeat(10_000))
    })
    await session.open()
    const event = 'event '.repeat(10_000)
    expect(await tether.stub({ env: { TOKEN: secret } })(event, stubContext())).toBe('answer '.repeat(10_000))
    const [asked, answered] = tether.transport.passed
    expect(asked!.frame.length).toBeGreaterThan(secret.length)
    expect(asked!.frame.length).toBeLessThan(secret.length + 2_000)
    expect(answered!.frame.length).toBeLessThan(1_000)
  })

  it('lets small messages pass the parts of large ones within a rate', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    Object.assign(tether.transport.limits, { rate: { frames: 10, counts: 'sent' } })
    const session = tether.session().on('invoke', (invocation) => {
      return invocation.respond(invocation.event === 'large' ? variedText(20_000) : 'small')
    })
    await session.open()
    const order: unknown[] = []
    const large = tether
      .stub()('large', stubContext({ remainingMs: 60_000 }))
      .then(() => order.push('large'))
    await settle()
    const small = tether
      .stub()('small', stubContext())
      .then(() => order.push('small'))
    await clock.advance(59_000)
    await Promise.all([large, small])
    expect(order).toEqual(['small', 'large'])
  })

  it('sends environment variables once, and again only when they change', async () => {
    await using tether = new Tether()
    const env: Record<string, string> = { TABLE: 'a', PAD: 'x'.repeat(3_000) }
    const session = tether.session().on('invoke', (invocation) => invocation.respond(invocation.env.TABLE))
    await session.open()
    const stub = tether.stub({ env })
    const bytes = async () => {
      tether.transport.take('session')
      const answer = await stub({}, stubContext())
      return [
        answer,
        tether.transport.take('session').reduce((sum, { frame }) => sum + frame.length, 0),
      ] as const
    }
    const [first, withEnv] = await bytes()
    const [second, without] = await bytes()
    env.TABLE = 'b'
    const [third, changed] = await bytes()
    expect([first, second, third]).toEqual(['a', 'a', 'b'])
    expect(withEnv - without).toBeGreaterThan(2_900)
    expect(changed - without).toBeGreaterThan(2_900)
  })

  it('reruns the invocations of a crashed session in the restarted session, marked', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const first = holding(tether)
    await first.session.open()
    const running = tether.stub()({ n: 1 }, stubContext())
    await clock.advance(100)
    expect(first.held).toHaveLength(1)
    expect(first.held[0]!.rerun).toBe(false)
    tether.transport.silence('session')

    const second = holding(tether)
    await clock.during(1_500, second.session.open())
    await clock.advance(3_000)
    expect(second.held).toHaveLength(1)
    expect(second.held[0]!.rerun).toBe(true)
    expect(second.held[0]!.env).toEqual({ TABLE: 'orders', AWS_REGION: 'eu-west-1' })
    await second.held[0]!.respond('by the second')
    expect(await running).toBe('by the second')
  })

  it('marks an invocation that an unheard session may have run', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const first = holding(tether)
    await first.session.open()
    const running = tether.stub()({}, stubContext())
    await settle()
    tether.transport.silence('session')
    await clock.advance(10)
    const second = holding(tether)
    await clock.during(1_500, second.session.open())
    await clock.advance(300)
    expect(second.held[0]!.rerun).toBe(true)
    await second.held[0]!.respond(1)
    expect(await running).toBe(1)
  })

  it('marks an invocation that an earlier session may have run, however late it comes again', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const slow = new SlowTransport(tether.transport, clock)
    const first = holding(tether)
    await first.session.open()
    const running = tether.stub({ transport: slow })({}, stubContext())
    await clock.advance(10)
    expect(first.held).toHaveLength(1)
    tether.transport.silence('session')
    slow.sendsInMs = 300
    const second = holding(tether)
    await clock.during(1_500, second.session.open())
    await clock.advance(3_000)
    expect(second.held[0]!.rerun).toBe(true)
    await second.held[0]!.respond(1)
    await clock.advance(300)
    expect(await running).toBe(1)
  })

  it('does not mark an invocation that a new session has asked the variables for', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const slow = new SlowTransport(tether.forgetful, clock)
    const first = holding(tether)
    await first.session.open()
    const stub = tether.stub({ transport: slow })
    const earlier = stub(1, stubContext())
    await clock.advance(10)
    await first.held[0]!.respond(1)
    await earlier
    tether.transport.silence('session')
    slow.sendsInMs = 50
    const second = holding(tether)
    await clock.during(1_500, second.session.open())
    const running = stub(2, stubContext())
    await clock.advance(200)
    expect(second.held[0]!.event).toBe(2)
    expect(second.held[0]!.rerun).toBe(false)
    await second.held[0]!.respond(2)
    await clock.advance(50)
    expect(await running).toBe(2)
  })

  it('does not mark an invocation first sent to this session, even after slow connecting', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let refusing = true
    tether.transport.admit = ({ role }) => {
      if (role === 'stub' && refusing) throw new Error('not yet')
    }
    const running = tether.stub()({}, stubContext())
    await clock.advance(2_000)
    const { session, held } = holding(tether)
    await session.open()
    refusing = false
    await clock.advance(2_000)
    expect(held[0]!.rerun).toBe(false)
    await held[0]!.respond(1)
    expect(await running).toBe(1)
  })

  it('marks an invocation that was sent between construction and opening of the session', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const second = holding(tether)
    const first = holding(tether)
    await first.session.open()
    const running = tether.stub()({}, stubContext())
    await clock.advance(10)
    tether.transport.silence('session')
    await clock.during(1_500, second.session.open())
    await clock.advance(300)
    expect(second.held[0]!.rerun).toBe(true)
    await second.held[0]!.respond(1)
    expect(await running).toBe(1)
  })

  it('gives local code the time left when a large event is complete, not when it began to arrive', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    Object.assign(tether.transport.limits, { rate: { frames: 10, counts: 'sent' } })
    const { session, held } = holding(tether)
    await session.open()
    const running = tether.stub()(variedText(20_000), stubContext({ remainingMs: 60_000 }))
    await clock.advance(10_000)
    expect(held).toHaveLength(1)
    expect(held[0]!.remainingMs()).toBeLessThan(52_000)
    await held[0]!.respond(1)
    await clock.advance(1_000)
    expect(await running).toBe(1)
  })

  it('keeps few answered invocations in memory', async () => {
    await using tether = new Tether()
    const seen: WeakRef<Invocation>[] = []
    const session = tether.session().on('invoke', (invocation) => {
      seen.push(new WeakRef(invocation))
      return invocation.respond(1)
    })
    await session.open()
    const stub = tether.stub()
    for (let i = 0; i < 20; i++) await stub('x'.repeat(10_000), stubContext())
    // `received()` keeps the last 32 MiB.
    for (let i = 0; i < 5; i++) await stub('x'.repeat(8_000_000), stubContext())
    setFlagsFromString('--expose-gc')
    await settle()
    runInNewContext('gc')()
    expect(seen.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(10)
  })

  it('fails with SESSION_LOST instead when asked to', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const first = holding(tether)
    await first.session.open()
    const outcome = tether
      .stub({ onSessionLost: 'fail' })({}, stubContext())
      .catch((error: unknown) => error)
    await clock.advance(100)
    tether.transport.silence('session')
    const second = holding(tether)
    await clock.during(1_500, second.session.open())
    await clock.advance(3_000)
    expect(await outcome).toMatchObject({ code: 'SESSION_LOST' })
    expect(second.held).toHaveLength(0)
  })

  it('waits through silence once acknowledged, as a debugger at a breakpoint needs', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session, held } = holding(tether)
    await session.open()
    const running = tether.stub()({}, stubContext({ remainingMs: 60_000 }))
    await clock.advance(50)
    tether.transport.filter = () => []
    await clock.advance(50_000)
    tether.transport.filter = ({ frame }) => [frame]
    await held[0]!.respond('after the breakpoint')
    expect(await running).toBe('after the breakpoint')
  })

  it('keeps answers until they are received, within a limit of bytes; evicted ones never run again', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let runs = 0
    const session = tether.session({ maxKeptBytes: 1_500 }).on('invoke', (invocation) => {
      runs++
      return invocation.respond('x'.repeat(1_000))
    })
    await session.open()
    await clock.advance(61_000)
    tether.transport.filter = ({ to, frame }) => (to.role === 'stub' ? [] : [frame])
    const outcomes = Promise.allSettled([tether.stub()({}, stubContext()), tether.stub()({}, stubContext())])
    await clock.advance(100)
    tether.transport.filter = ({ frame }) => [frame]
    await clock.advance(300)
    const [first, second] = await outcomes
    expect(first).toMatchObject({ reason: { name: 'LambdaTether.RESULT_EVICTED' } })
    expect(second).toMatchObject({ value: 'x'.repeat(1_000) })
    expect(runs).toBe(2)
  })

  it('keeps answers compressed', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const answer = 'x'.repeat(20_000)
    const session = tether
      .session({ maxKeptBytes: 1_500 })
      .on('invoke', (invocation) => invocation.respond(answer))
    await session.open()
    await clock.advance(61_000)
    tether.transport.filter = ({ to, frame }) => (to.role === 'stub' ? [] : [frame])
    const answers = Promise.all([tether.stub()({}, stubContext()), tether.stub()({}, stubContext())])
    await clock.advance(100)
    tether.transport.filter = ({ frame }) => [frame]
    await clock.advance(300)
    expect(await answers).toEqual([answer, answer])
  })
})

describe('a frozen stub', () => {
  it('answers its first invocation after the broker dropped its connection', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().on('invoke', (invocation) => invocation.respond('ok'))
    await session.open()
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('ok')
    // An hour frozen: the socket still looks alive and carries nothing.
    tether.transport.silence('stub')
    clock.jump(3_600_000)
    const thawed = stub({}, stubContext())
    await settle()
    expect(await thawed).toBe('ok')
  })

  it('opens another connection when a young one carries nothing', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().on('invoke', (invocation) => invocation.respond('ok'))
    await session.open()
    const stub = tether.stub()
    await stub({}, stubContext())
    tether.transport.silence('stub')
    const thawed = stub({}, stubContext())
    await clock.advance(2_000)
    expect(await thawed).toBe('ok')
  })
})

describe('an absent session', () => {
  it('is detected at the acknowledgement time-out, no later', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let settledAt = 0
    const started = clock.now()
    const outcome = tether
      .stub()({}, stubContext())
      .catch((error: unknown) => {
        settledAt = clock.now()
        return error
      })
    await clock.advance(5_000)
    expect(await outcome).toMatchObject({
      code: 'NO_SESSION',
      name: 'LambdaTether.NO_SESSION',
      message: expect.stringMatching(/No session 'default' of 'shop' in stage 'dev' answered within 3000 ms/),
    })
    expect(settledAt - started).toBe(3_000)
  })

  it('is detected and forgotten in time when the clock is set back', async () => {
    const time = new ManualClock()
    let offMs = 0
    const clock: Clock = {
      now: () => time.now() + offMs,
      schedule: (delayMs, callback) => time.schedule(delayMs, callback),
    }
    await using tether = new Tether({ clock })
    const stub = tether.stub({ transport: tether.forgetful })
    const started = time.now()
    const outcome = stub({}, stubContext()).catch(({ code }) => ({ code, afterMs: time.now() - started }))
    await time.advance(1_000)
    offMs = -3_600_000
    await time.advance(5_000)
    expect(await outcome).toEqual({ code: 'NO_SESSION', afterMs: 3_000 })
    // A session opens an hour before the wait that failed: it is not taken for gone.
    offMs = -7_200_000
    const { session, held } = holding(tether, { transport: tether.forgetful })
    await openListening(session, time)
    const second = stub({}, stubContext())
    await time.advance(100)
    await held[0]!.respond('there')
    expect(await second).toBe('there')
  })

  it('is an HTTP 503 for HTTP events, the original code if there is any, and an error otherwise', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const http = { requestContext: { http: { method: 'GET' } }, rawPath: '/' }
    const original = async (event: unknown) => ({ original: event })
    const outcomes = Promise.allSettled([
      tether.stub()(http, stubContext()),
      tether.stub({ passthrough: original })(http, stubContext()),
      tether.stub({ onNobody: 'throw', passthrough: original })(http, stubContext()),
      tether.stub({ onNobody: 'respond', passthrough: original })(http, stubContext()),
      tether.stub({ onNobody: 'respond' })({ Records: [] }, stubContext()),
      tether.stub({ passthrough: (_event, _context, callback) => callback?.(null, 'called back') })(
        {},
        stubContext(),
      ),
    ])
    await clock.advance(3_000)
    const [auto, passthrough, thrown, respond, queue, callback] = await outcomes
    const unavailable = { value: { statusCode: 503, body: expect.stringContaining('NO_SESSION') } }
    expect(auto).toMatchObject(unavailable)
    expect(passthrough).toMatchObject({ value: { original: http } })
    expect(thrown).toMatchObject({ reason: { code: 'NO_SESSION' } })
    expect(respond).toMatchObject(unavailable)
    expect(queue).toMatchObject({ reason: { code: 'NO_SESSION' } })
    expect(callback).toMatchObject({ value: 'called back' })
  })

  it('is reported at once when the session declines the function', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: { other: () => 1 } })
    await session.open()
    await expect(tether.stub()({}, stubContext())).rejects.toMatchObject({
      code: 'DECLINED',
      message: expect.stringContaining("does not serve function 'api'"),
    })
  })

  it('stays the result of a declined invocation: a late copy is declined again and does not run', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let served = false
    let runs = 0
    const session = tether.session().serve({
      functions: () => (served ? () => ++runs : undefined),
    })
    await session.open()
    await clock.advance(61_000)
    const self = { app: 'shop', stage: 'dev', role: 'stub', name: 'environment' } as const
    const stub = new Sealer(tether.key, self)
    await using connection = await tether.transport.connect(self, { onFrame() {} })
    const copy = async () => {
      const to = { ...self, role: 'session', name: 'default' } as const
      await connection.send({ ...to, lane: 0 }, stub.frame(to, encodeMessage(invokeAt(clock.now()))))
      await settle()
      return tether.transport.take('stub').length
    }
    expect(await copy()).toBe(1)
    served = true
    expect(await copy()).toBe(1)
    expect(runs).toBe(0)
    expect(session.stats()).toMatchObject({
      invocations: { received: 1, declined: 1 },
      duplicates: { invocations: 1 },
    })
  })

  it('is reported with the reason when the broker cannot be reached', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    tether.transport.admit = () => {
      throw new Error('the wire is cut')
    }
    const outcome = tether
      .stub()({}, stubContext({ remainingMs: 60_000 }))
      .catch((error: unknown) => error)
    await clock.advance(5_000)
    expect(await outcome).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/within 5000 ms.*the wire is cut/),
    })
  })

  it('is reported at once when the stub is closed', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session } = holding(tether)
    await session.open()
    const stub = tether.stub()
    const outcome = stub({}, stubContext()).catch((error: unknown) => error)
    await clock.advance(100)
    await stub.close()
    expect(await outcome).toMatchObject({ code: 'CLOSED' })
    await expect(stub({}, stubContext())).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('never leads to pass-through after an acknowledgement', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session } = holding(tether)
    await session.open()
    let ran = false
    const outcome = tether
      .stub({ passthrough: () => (ran = true) })({}, stubContext())
      .catch((error: unknown) => error)
    await clock.advance(10_000)
    expect(await outcome).toMatchObject({ code: 'DEADLINE' })
    expect(ran).toBe(false)
  })
})
