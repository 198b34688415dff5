import { describe, expect, it, vi } from 'vitest'
import { type Invocation, type LambdaError, TetherError, type Transport } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

describe('a session', () => {
  it('hands an invocation to its listener and the answer to the stub', async () => {
    await using tether = new Tether()
    const session = tether.session()
    let seen: Invocation | undefined
    session.on('invoke', async (invocation) => {
      seen = invocation
      await invocation.respond({ got: invocation.event })
    })
    await session.open()
    const context = stubContext({
      tenantId: 'blue',
      clientContext: { custom: { a: 1 }, event: 'kept' } as never,
    })
    expect(await tether.stub()({ order: 7 }, context)).toEqual({ got: { order: 7 } })
    expect(seen?.functionId).toBe('api')
    expect(seen?.context).toMatchObject({
      awsRequestId: context.awsRequestId,
      functionName: 'app-dev-api',
      tenantId: 'blue',
      clientContext: { custom: { a: 1 }, event: 'kept' },
    })
    expect(seen?.env).toEqual({ TABLE: 'orders', AWS_REGION: 'eu-west-1' })
    expect(seen?.rerun).toBe(false)
    expect(seen?.settled).toBe(true)
  })

  it('accepts a context that lacks optional fields', async () => {
    await using tether = new Tether()
    await tether
      .session()
      .on('invoke', (invocation) => invocation.respond(invocation.context.functionVersion))
      .open()
    expect(await tether.stub()({}, { getRemainingTimeInMillis: () => 5_000 } as never)).toBe('')
  })

  it('answers undefined as null', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', (invocation) => invocation.respond())
    await session.open()
    expect(await tether.stub()({}, stubContext())).toBeNull()
  })

  it('runs a served handler inline, with the local markers beside the remote environment', async () => {
    await using tether = new Tether()
    const session = tether.session()
    session.serve({
      functions: {
        api: async (event: { n: number }, context) => ({
          n: event.n + 1,
          id: context.awsRequestId,
          left: context.getRemainingTimeInMillis() > 9_000,
        }),
      },
    })
    await session.open()
    const context = stubContext()
    expect(await tether.stub()({ n: 1 }, context)).toEqual({ n: 2, id: context.awsRequestId, left: true })
  })

  it('finds targets with a function as well', async () => {
    await using tether = new Tether()
    const asked: string[] = []
    const session = tether.session().serve({
      functions: (functionId) => {
        asked.push(functionId)
        return functionId === 'api' ? () => 'found' : undefined
      },
    })
    await session.open()
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('found')
    expect(await stub({}, stubContext())).toBe('found')
    expect(asked).toEqual(['api'])
  })

  it('fails the invocation when a listener throws, rejects or is missing', async () => {
    await using tether = new Tether()
    const throwing = tether.session({ name: 'throwing' }).on('invoke', (invocation) => {
      invocation.ack()
      throw new RangeError('thrown at once')
    })
    const rejecting = tether.session({ name: 'rejecting' }).on('invoke', async (invocation) => {
      await invocation.ack()
      throw new TypeError('thrown later', { cause: new Error('the reason') })
    })
    const deaf = tether.session({ name: 'deaf' })
    const lost = tether.session({ name: 'lookup' }).serve({
      functions: () => {
        throw new Error('the look-up broke')
      },
    })
    await Promise.all([throwing, rejecting, deaf, lost].map((session) => session.open()))
    const call = (session: string) => tether.stub({ session })({}, stubContext())
    await expect(call('throwing')).rejects.toMatchObject({ name: 'RangeError', message: 'thrown at once' })
    await expect(call('rejecting')).rejects.toMatchObject({
      name: 'TypeError',
      message: 'thrown later',
      cause: { name: 'Error', message: 'the reason' },
    })
    await expect(call('deaf')).rejects.toMatchObject({
      name: 'LambdaTether.NO_HANDLER',
      message: expect.stringContaining('by calling ack() before its first await'),
    })
    await expect(call('lookup')).rejects.toMatchObject({ message: 'the look-up broke' })
  })

  it('lets a listener take an invocation from serve before its first await, and not after', async () => {
    await using tether = new Tether()
    const ran: unknown[] = []
    const late: unknown[] = []
    const session = tether.session().serve({
      functions: {
        api: (event) => {
          ran.push(event)
          return 'served'
        },
      },
    })
    session.on('invoke', async (invocation) => {
      if (invocation.event === 'mine') await invocation.respond('taken')
      if (invocation.event === 'slow') {
        await settle()
        await invocation.respond('too late').catch((error: TetherError) => late.push(error.code))
      }
    })
    await session.open()
    const stub = tether.stub()
    expect(await stub('mine', stubContext())).toBe('taken')
    expect(await stub('slow', stubContext())).toBe('served')
    expect(await stub('other', stubContext())).toBe('served')
    expect(ran).toEqual(['slow', 'other'])
    await settle()
    expect(late).toEqual(['NOT_TAKEN'])
  })

  it('gives next() the invocation even from serve, and others to serve', async () => {
    await using tether = new Tether()
    let served = 0
    const session = tether.session().serve({
      functions: {
        api: () => {
          served++
          return 'served'
        },
      },
    })
    await session.open()
    const stub = tether.stub()
    const waiting = session.next<{ n: number }>('api', { where: ({ event }) => event.n === 2 })
    const first = stub({ n: 1 }, stubContext())
    const second = stub({ n: 2 }, stubContext())
    const invocation = await waiting
    expect(invocation.event.n).toBe(2)
    await invocation.respond('by hand')
    expect(await first).toBe('served')
    expect(await second).toBe('by hand')
    expect(served).toBe(1)
  })

  it('ends next() by time-out, signal, a throwing filter, and close', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().serve({ functions: { api: () => 1 } })
    await session.open()
    const timedOut = session.next('api', { timeoutMs: 50 })
    const aborted = session.next('api', { signal: AbortSignal.timeout(1) })
    const filtered = session.next('api', {
      where: () => {
        throw new Error('bad filter')
      },
    })
    const closed = session.next('other')
    const outcomes = Promise.allSettled([timedOut, aborted, filtered, closed])
    await clock.advance(50)
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await tether.stub()({}, stubContext())).toBe(1)
    await session.close()
    expect(
      (await outcomes).map((outcome) => (outcome as PromiseRejectedResult).reason.code ?? 'its own'),
    ).toEqual(['TIMEOUT', 'ABORTED', 'its own', 'CLOSED'])
    await expect(session.next('api')).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('creates the signal of an invocation on first read, even in a copy; after the end it is already aborted', async () => {
    await using tether = new Tether()
    const seen: Invocation[] = []
    const session = tether.session().on('invoke', (invocation) => {
      seen.push(invocation)
      return invocation.ack()
    })
    await session.open()
    const outcomes = Promise.allSettled([tether.stub()(1, stubContext()), tether.stub()(2, stubContext())])
    while (seen.length < 2) await settle()
    const [read, unread] = seen as [Invocation, Invocation]
    const copy = { ...read }
    expect(copy.signal).toBe(read.signal)
    const { signal } = read
    expect(signal.aborted).toBe(false)
    await session.close({ signal: AbortSignal.abort() })
    await outcomes
    expect(signal.reason).toMatchObject({ code: 'CLOSED' })
    expect(unread.signal.reason).toMatchObject({ code: 'CLOSED' })
  })

  it('creates no AbortController for a quick invocation', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: { api: async (event: unknown) => event } })
    await session.open()
    const stub = tether.stub()
    await stub('warm', stubContext())
    let made = 0
    class Counted extends AbortController {
      constructor() {
        super()
        made++
      }
    }
    vi.stubGlobal('AbortController', Counted)
    try {
      expect(await stub('counted', stubContext())).toBe('counted')
    } finally {
      vi.unstubAllGlobals()
    }
    expect(made).toBe(0)
  })

  it('lets an invocation have one outcome', async () => {
    await using tether = new Tether()
    const codes: unknown[] = []
    const session = tether.session().on('invoke', async (invocation) => {
      await invocation.respond(1)
      for (const again of [
        () => invocation.respond(2),
        () => invocation.fail(new Error()),
        () => invocation.ack(),
      ]) {
        await again().catch((error: TetherError) => codes.push(error.code))
      }
    })
    await session.open()
    expect(await tether.stub()({}, stubContext())).toBe(1)
    await settle()
    expect(codes).toEqual(['ALREADY_SETTLED', 'ALREADY_SETTLED', 'ALREADY_SETTLED'])
  })

  it('rejects a response that is not JSON without settling, and a response over 6 MB like Lambda', async () => {
    await using tether = new Tether()
    const codes: string[] = []
    const session = tether.session().on('invoke', async (invocation) => {
      if (invocation.event === 'large') return invocation.respond('x'.repeat(6_291_555))
      const circular: { self?: unknown } = {}
      circular.self = circular
      for (const value of [circular, 1n, () => {}, Symbol('s')]) {
        await invocation.respond(value).catch((error: TetherError) => codes.push(error.code))
      }
      return invocation.respond('fine')
    })
    await session.open()
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe('fine')
    expect(codes).toEqual(['INVALID_OPTION', 'INVALID_OPTION', 'INVALID_OPTION', 'INVALID_OPTION'])
    await expect(stub('large', stubContext())).rejects.toMatchObject({
      name: 'Function.ResponseSizeTooLarge',
      message: 'Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).',
    })
  })

  it('hands an invocation to a once() listener', async () => {
    await using tether = new Tether()
    const session = tether.session().once('invoke', async (invocation) => {
      await invocation.ack()
      await settle()
      await invocation.respond('heard')
    })
    await session.open()
    expect(await tether.stub()({}, stubContext())).toBe('heard')
  })

  it('truncates an error that is too large to send, and survives an unreadable error', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', (invocation) => {
      invocation.ack()
      if (invocation.event === 'large') throw new Error('m'.repeat(9_000_000))
      throw Object.defineProperty(new Error('odd'), 'stack', {
        get() {
          throw new Error('no stack for you')
        },
      })
    })
    await session.open()
    const stub = tether.stub()
    await expect(stub('large', stubContext())).rejects.toThrow(
      /^m+ … \(cut from 9000000 characters to 65536\)$/,
    )
    await expect(stub('odd', stubContext())).rejects.toThrow('odd')
  })

  it('rejects an event over the largest size at once, with both numbers', async () => {
    await using tether = new Tether()
    await tether
      .session()
      .on('invoke', (invocation) => invocation.respond())
      .open()
    await expect(tether.stub()('x'.repeat(8 * 1024 * 1024), stubContext())).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: 'The event has 8388610 bytes; at most 8388608 travel.',
    })
  })

  it('isolates listeners from each other and reports a throwing listener', async () => {
    await using tether = new Tether()
    const reached: string[] = []
    const failures: unknown[] = []
    const session = tether.session().on('invoke', (invocation) => invocation.respond('ok'))
    session.on('respond', () => {
      throw new Error('a listener broke')
    })
    session.on('respond', () => reached.push('second'))
    session.on('status', (status) => {
      if (status.state === 'listener-failed') failures.push([status.event, (status.error as Error).message])
    })
    await session.open()
    expect(await tether.stub()({}, stubContext())).toBe('ok')
    expect(reached).toEqual(['second'])
    expect(failures).toEqual([['respond', 'a listener broke']])
  })

  it('adds and removes listeners, once and for good, and rejects misspelt events', async () => {
    await using tether = new Tether()
    const heard: string[] = []
    const always = () => heard.push('always')
    const session = tether.session().on('invoke', (invocation) => invocation.respond(1))
    session.on('respond', always).once('respond', () => heard.push('once'))
    await session.open()
    const stub = tether.stub()
    await stub({}, stubContext())
    await stub({}, stubContext())
    session.off('respond', always)
    await stub({}, stubContext())
    expect(heard).toEqual(['always', 'once', 'always'])
    expect(() => session.on('error' as 'status', () => {})).toThrow(/no event 'error'; it has invoke, ack/)
    expect(() => session.on('invoke', 'nothing' as never)).toThrow(/must be a function/)
  })

  it('emits an event for each outcome of an invocation', async () => {
    // The second is not acknowledged, because the first was quick; on a busy machine it need not be.
    await using tether = new Tether({ clock: new ManualClock() })
    const events: unknown[] = []
    const session = tether.session().serve({
      functions: {
        api: (event) => {
          if (event === 'fail') throw new Error('no')
          return 'yes'
        },
      },
    })
    session.on('ack', (invocation) => events.push(['ack', invocation.functionId]))
    session.on('respond', (invocation, { body }) =>
      events.push(['respond', invocation.functionId, body.length]),
    )
    session.on('fail', (_, { error }: { error: LambdaError }) => events.push(['fail', error.errorMessage]))
    session.on('close', () => events.push('close'))
    await session.open()
    const stub = tether.stub()
    await stub('ok', stubContext())
    await stub('fail', stubContext()).catch(() => {})
    await session.close()
    expect(events).toEqual([['ack', 'api'], ['respond', 'api', 5], ['fail', 'no'], 'close'])
  })

  it('keeps 200 functions apart on one connection', async () => {
    await using tether = new Tether()
    const functions = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}`, () => n]))
    const session = tether.session().serve({ functions })
    await session.open()
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => tether.stub({ functionId: `f${n}` })({}, stubContext())),
    )
    expect(answers).toEqual(Array.from({ length: 200 }, (_, n) => n))
    expect(tether.transport.connections('session')).toBe(1)
  })

  it('drains running invocations on close(), takes no new ones, and closes once', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let finish = () => {}
    let runs = 0
    const run = () => {
      runs++
      return new Promise<string>((resolve) => {
        finish = () => resolve('drained')
      })
    }
    const session = tether.session().serve({ functions: { api: run } })
    await session.open()
    const running = tether.stub()({}, stubContext({ remainingMs: 60_000 }))
    await settle()
    const closing = session.close()
    const refused = tether
      .stub()({}, stubContext())
      .catch((error: { code: string }) => error.code)
    await clock.advance(3_000)
    expect(await refused).toBe('NO_SESSION')
    finish()
    expect(await running).toBe('drained')
    await closing
    await session.close()
    expect(runs).toBe(1)
    expect(tether.transport.connections('session')).toBe(0)
    await expect(session.open()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('leaves no timer that keeps the host alive', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().on('invoke', (invocation) => invocation.respond(1))
    await session.open()
    const stub = tether.stub()
    await Promise.all([stub({}, stubContext()), stub({}, stubContext())])
    await session.close()
    await stub.close()
    expect(clock.pending).toBe(0)
  })

  it('leaves invocations that arrive while it drains to its successor', async () => {
    await using tether = new Tether()
    const first = tether.session().on('invoke', (invocation) => invocation.ack())
    await first.open()
    const held = tether
      .stub()({}, stubContext())
      .catch(() => {})
    await settle()
    const closing = first.close()
    await tether
      .session()
      .on('invoke', (invocation) => invocation.respond('successor'))
      .open()
    expect(await tether.stub()({}, stubContext())).toBe('successor')
    await first.close({ signal: AbortSignal.abort() })
    await Promise.all([closing, held])
  })

  it('can be forced to close while it drains, even with a transport that never settles', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', (invocation) => invocation.ack())
    await session.open()
    const held = tether
      .stub()({}, stubContext())
      .catch(() => {})
    await settle()
    const draining = session.close()
    await session.close({ signal: AbortSignal.abort() })
    await Promise.all([draining, held])

    const hanging: Transport = {
      name: 'hanging',
      limits: { frameBytes: 2_048 },
      connect: async (...args) =>
        Object.assign(await tether.transport.connect(...args), { send: () => new Promise<void>(() => {}) }),
    }
    const stuck = tether.session({ name: 'stuck', transport: hanging }).on('invoke', (i) => i.respond(1))
    await stuck.open()
    const unanswered = tether
      .stub({ session: 'stuck', ackTimeoutMs: 50 })({}, stubContext())
      .catch(() => {})
    await settle()
    await stuck.close({ signal: AbortSignal.abort() })
    await unanswered
  })

  it('stops running invocations when close() is aborted, and tells the stub', async () => {
    await using tether = new Tether()
    let signal: AbortSignal | undefined
    const session = tether.session().on('invoke', (invocation) => {
      signal = invocation.signal
      return invocation.ack()
    })
    await session.open()
    const running = tether.stub()({}, stubContext())
    const outcome = expect(running).rejects.toMatchObject({ name: 'LambdaTether.CLOSED' })
    await settle()
    await session.close({ signal: AbortSignal.abort() })
    await outcome
    expect(signal?.aborted).toBe(true)
  })

  it('names a wrong option at construction', () => {
    const tether = new Tether()
    const make = (options: object) => () => tether.session(options)
    expect(make({ app: '' })).toThrow(/'app' must be a text of 1 to 100 bytes, not an empty text/)
    expect(make({ stage: 3 })).toThrow(/'stage' must be a text/)
    expect(make({ name: '漢'.repeat(34) })).toThrow(/'name' has 102 bytes of UTF-8; at most 100/)
    expect(make({ key: 'secret' })).toThrow(/'key' must be 32 bytes.*a text of 6 characters.*generateKey/)
    expect(make({ transport: {} })).toThrow(/'transport' must be a transport/)
    expect(make({ colour: 'red' })).toThrow(
      /'colour' is no option of createSession\(\); those are app, stage/,
    )
    expect(make({ maxKeptBytes: 'much' })).toThrow(/'maxKeptBytes' must be a number/)
    const session = tether.session()
    expect(() => session.serve({ functions: { api: './a.ts#handler' } })).toThrow()
    expect(() => session.serve({ functions: { api: null as never } })).toThrow(
      /'functions\.api' must be 'path#export'.*not null/,
    )
    session.serve({ functions: {} })
    expect(() => session.serve({ functions: {} })).toThrow(/called before/)
    for (const attempt of [make({ key: 1 }), make({ app: undefined })]) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })

  it('rejects open() with the error of the broker, and can be opened again', async () => {
    await using tether = new Tether()
    tether.transport.admit = () => {
      throw new TetherError('UNREACHABLE', 'no broker here')
    }
    const session = tether.session()
    await expect(session.open()).rejects.toThrow('no broker here')
    await expect(session.open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    tether.transport.admit = () => {}
    await session.open()
    expect(session.status).toEqual({ state: 'connected' })
    await expect(session.open()).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
