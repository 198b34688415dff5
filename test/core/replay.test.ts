import { describe, expect, it } from 'vitest'
import { inline } from '../../src/executors/inline.js'
import type {
  FunctionBuild,
  FunctionSource,
  Invocation,
  Replayable,
  ReplayOutcome,
  Session,
} from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const { getRemainingTimeInMillis: _r, done: _d, fail: _f, succeed: _s, ...CONTEXT } = stubContext()

const recordOf = (event: unknown, more: Partial<Replayable> = {}): Replayable => ({
  functionId: 'api',
  eventBytes: Buffer.from(JSON.stringify(event)),
  context: CONTEXT,
  ...more,
})

/** The invocations that arrive from now on. */
function arrivalsOf(session: Session): Invocation[] {
  const seen: Invocation[] = []
  session.on('invoke', (invocation) => void seen.push(invocation))
  return seen
}

describe('a local replay', () => {
  it('runs the same event and context where the last invocation ran, marked, and sends nothing', async () => {
    await using tether = new Tether()
    const session = tether
      .session()
      .serve({ functions: { api: (event: object) => ({ ...event, ran: true }) } })
    const seen = arrivalsOf(session)
    const events: unknown[] = []
    session.on('respond', (invocation, { value }) => events.push([invocation.replayed, value]))
    await session.open()
    expect(await tether.stub()({ id: 7 }, stubContext())).toEqual({ id: 7, ran: true })
    const arrived = seen[0]!
    const { frames, invocations } = session.stats()

    const outcome = await session.replay(arrived)
    expect(outcome).toMatchObject({ kind: 'value', value: { id: 7, ran: true }, redacted: [] })
    expect(Buffer.from((outcome as { body: Uint8Array }).body).toString()).toBe('{"id":7,"ran":true}')
    const replayed = seen[1]!
    expect([arrived.replayed, replayed.replayed]).toEqual([false, true])
    expect(replayed).toMatchObject({
      functionId: 'api',
      environmentId: arrived.environmentId,
      context: arrived.context,
      env: arrived.env,
      event: { id: 7 },
      mirrored: false,
      rerun: false,
    })
    expect(replayed.id).not.toBe(arrived.id)
    expect(events).toEqual([
      [false, { id: 7, ran: true }],
      [true, { id: 7, ran: true }],
    ])
    expect(session.stats().frames.sent).toBe(frames.sent)
    expect(session.stats().invocations).toEqual({ ...invocations, replayed: 1 })
  })

  it('is edited by `event`, and leaves the record as it is', async () => {
    await using tether = new Tether()
    const session = await tether
      .session()
      .serve({ functions: { api: (event: unknown) => event } })
      .open()
    const record = recordOf({ id: 7 })
    const event = (one: { id: number }) => {
      one.id = 8
      return one
    }
    expect(await session.replay(record, { event })).toMatchObject({ value: { id: 8 } })
    expect(await session.replay(record)).toMatchObject({ value: { id: 7 } })
    await expect(session.replay(record, { event: () => undefined })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  it('goes to next() and to listeners like an arrival, acknowledgement included', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session()
    await session.open()
    const acks: boolean[] = []
    session.on('ack', ({ replayed }) => acks.push(replayed))
    const next = session.next('api')
    const first = session.replay(recordOf(1))
    const sent = session.stats().frames.sent
    const invocation = await next
    await invocation.ack()
    await clock.advance(25)
    await invocation.respond('by next')
    expect(await first).toMatchObject({ value: 'by next' })
    expect(acks).toEqual([true])
    expect(session.stats().frames.sent).toBe(sent)
    session.once('invoke', (one) => void one.fail(new TypeError('no')))
    expect(await session.replay(recordOf(2))).toMatchObject({
      kind: 'error',
      error: { errorType: 'TypeError', errorMessage: 'no' },
    })
  })

  it('without a handler, or of a function that is not served, says so', async () => {
    await using tether = new Tether()
    const session = await tether.session().open()
    expect(await session.replay(recordOf(1))).toMatchObject({
      kind: 'error',
      error: { errorType: 'LambdaTether.NO_HANDLER' },
    })
    session.serve({ functions: { apo: () => 1 } })
    expect(await session.replay(recordOf(1))).toMatchObject({
      kind: 'declined',
      reason: expect.stringContaining("did you mean 'apo'?"),
    })
  })

  it('lists the redacted fields of the event and the context', async () => {
    await using tether = new Tether()
    const session = await tether
      .session()
      .serve({ functions: { api: () => 1 } })
      .open()
    const redacted = ['/event/headers/authorization', '/outcome/value/token', '/context/identity']
    expect((await session.replay(recordOf(1, { redacted }))).redacted).toEqual([redacted[0], redacted[2]])
  })

  it('has the recorded time, `timeoutMs` or 15 minutes, and ends as at a deadline', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session()
    const seen = arrivalsOf(session)
    session.on('invoke', (invocation) => void invocation.ack())
    await session.open()
    const replays = [
      session.replay(recordOf(1, { timing: { limitMs: 3_000 } })),
      session.replay(recordOf(1, { timing: { limitMs: 3_000 } }), { timeoutMs: 50 }),
      session.replay(recordOf(1)),
    ]
    await settle()
    expect(seen.map((one) => one.remainingMs())).toEqual([3_000, 50, 900_000])
    await clock.advance(3_000)
    const timedOut = { kind: 'error', error: { errorType: 'LambdaTether.DEADLINE' } }
    expect(await Promise.all(replays.slice(0, 2))).toMatchObject([timedOut, timedOut])
    await seen[2]!.respond(1)
    await replays[2]
  })

  it('is ended by its signal', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', (invocation) => void invocation.ack())
    const seen = arrivalsOf(session)
    await session.open()
    const controller = new AbortController()
    const replay = session.replay(recordOf(1), { signal: controller.signal })
    await settle()
    controller.abort()
    await expect(replay).rejects.toMatchObject({ code: 'ABORTED' })
    expect(seen[0]!.signal.aborted).toBe(true)
    const signal = AbortSignal.abort()
    await expect(session.replay(recordOf(1), { signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(seen.length).toBe(1)
  })

  it('is awaited by close() until its signal fires, and is rejected before open() and after close()', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', (invocation) => void invocation.ack())
    const seen = arrivalsOf(session)
    await expect(session.replay(recordOf(1))).rejects.toThrow(/Await session\.open\(\) before/)
    await session.open()
    const [first, second] = [session.replay(recordOf(1)), session.replay(recordOf(2))]
    await settle()
    const stop = new AbortController()
    const closed = session.close({ signal: stop.signal })
    await seen[0]!.respond('still')
    expect(await first).toMatchObject({ value: 'still' })
    stop.abort()
    await expect(second).rejects.toMatchObject({ code: 'CLOSED' })
    await closed
    await expect(session.replay(recordOf(1))).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it.each([
    ['is async', async () => ({ id: 1 }), /'event' must return an event, and is async/],
    ['is async and fails', async () => Promise.reject(new Error('no')), /and is async/],
    ['returns nothing', () => undefined, /'event' must return an event: JSON/],
    [
      'returns no JSON',
      () => Object.assign([], { 0: 1n }),
      /'event' must return an event: JSON, and .*BigInt/,
    ],
  ])("refuses an 'event' that %s", async (_what, event, message) => {
    await using tether = new Tether()
    const session = await tether.session().open()
    await expect(session.replay(recordOf(1), { event })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message),
    })
  })

  it('rejects an invalid record and a record without an event', async () => {
    await using tether = new Tether()
    const session = await tether.session().open()
    await expect(session.replay({} as Replayable)).rejects.toThrow(/'record' must be a record: /)
    await expect(session.replay({ ...recordOf(1), eventBytes: new Uint8Array() })).rejects.toThrow(
      /has no event/,
    )
    await expect(session.replay(recordOf(1), { client: { send: async () => 1 } })).rejects.toThrow(
      /'client' is for/,
    )
  })
})

/** A source that a test changes. */
class ManualSource implements FunctionSource {
  failure: unknown
  handler: (event: unknown) => unknown = () => 1
  changed: () => void = () => {}

  async load(): Promise<FunctionBuild> {
    if (this.failure !== undefined) throw this.failure
    const { handler } = this
    return { kind: 'module', load: async () => handler }
  }

  watch(listener: () => void): Disposable {
    this.changed = listener
    return { [Symbol.dispose]: () => {} }
  }
}

describe('replayOnSave()', () => {
  async function watching(tether: Tether) {
    const source = new ManualSource()
    const session = tether.session().serve({ executor: inline(), functions: { api: source } })
    await session.open()
    const outcomes: ReplayOutcome[] = []
    const waiting: (() => void)[] = []
    const onOutcome = (outcome: ReplayOutcome) => {
      outcomes.push(outcome)
      waiting.shift()?.()
    }
    const save = async (handler: ManualSource['handler']) => {
      const told = new Promise<void>((resolve) => waiting.push(resolve))
      source.handler = handler
      source.changed()
      await told
    }
    return { session, source, outcomes, onOutcome, save }
  }

  it('replays after each reload, even of a function that was not loaded, until it is disposed', async () => {
    await using tether = new Tether()
    const { session, source, outcomes, onOutcome, save } = await watching(tether)
    const watch = session.replayOnSave(recordOf({ n: 1 }), { onOutcome, event: ({ n }) => n + 1 })
    await settle()
    expect(outcomes).toEqual([])
    await save((event) => ['second', event])
    await save((event) => ['third', event])
    expect(outcomes).toMatchObject([{ value: ['second', 2] }, { value: ['third', 2] }])
    watch[Symbol.dispose]()
    source.changed()
    await session.reload('api')
    await settle()
    expect(outcomes.length).toBe(2)
  })

  it('reports the error of a failed reload', async () => {
    await using tether = new Tether()
    const { session, source, outcomes, onOutcome, save } = await watching(tether)
    session.replayOnSave(recordOf(1), { onOutcome })
    await settle()
    source.failure = new Error('a typo')
    await save(() => 1)
    expect(outcomes).toMatchObject([
      {
        kind: 'error',
        error: { errorType: 'LambdaTether.BUILD_FAILED', errorMessage: expect.stringContaining('a typo') },
      },
    ])
    source.failure = undefined
    await save(() => 'mended')
    expect(outcomes[1]).toMatchObject({ value: 'mended' })
  })

  it('ends the run of an older save without reporting its outcome', async () => {
    await using tether = new Tether()
    const { session, source, outcomes, onOutcome, save } = await watching(tether)
    session.replayOnSave(recordOf(1), { onOutcome })
    const began = new Promise<void>((resolve) => {
      source.handler = () => {
        resolve()
        return new Promise(() => {})
      }
    })
    await settle()
    source.changed()
    await began
    await save(() => 'newest')
    expect(outcomes).toMatchObject([{ value: 'newest' }])
    expect(session.stats().invocations).toMatchObject({ replayed: 2, running: 0 })
  })

  it('reports a throwing listener, and rejects a function that is not served', async () => {
    await using tether = new Tether()
    const { session, save, onOutcome } = await watching(tether)
    const failed = new Promise((resolve) => session.on('status', (status) => resolve(status)))
    session.replayOnSave(recordOf(1), {
      onOutcome: (outcome) => {
        onOutcome(outcome)
        throw new Error('broken')
      },
    })
    await settle()
    await save(() => 1)
    expect(await failed).toMatchObject({ state: 'listener-failed', event: 'onOutcome' })
    expect(() => session.replayOnSave(recordOf(1, { functionId: 'apj' }))).toThrow(/which is not served/)
    expect(() => session.replayOnSave({} as Replayable)).toThrow(/'record' must be/)
  })
})
