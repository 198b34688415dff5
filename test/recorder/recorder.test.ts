import { describe, expect, it, vi } from 'vitest'
import type { Executor, Invocation } from '../../src/index.js'
import { History } from '../../src/recorder/history.js'
import { record } from '../../src/recorder/index.js'
import { LiveRecord, RecordedValue } from '../../src/recorder/live-record.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

/** Executes nothing: writes a line and answers. */
function logging(line: string, answer: unknown): Executor {
  return {
    name: 'logging',
    async execute({ onLog }) {
      onLog({ stream: 'stdout', text: line, time: 0 })
      return { kind: 'value', body: Buffer.from(JSON.stringify(answer)) }
    },
    reload: async () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

describe('a recorder', () => {
  it('has the event, the answer and the output of an invocation', async () => {
    await using tether = new Tether()
    const session = tether.session()
    await using recorder = record(session)
    const executor = logging('order 7', { got: 7, token: 'kept in memory' })
    session.serve({ functions: { api: { target: async () => {}, executor } } })
    await session.open()
    await tether.stub()({ order: 7, password: 'kept, too' }, stubContext())
    const [kept] = recorder.records()
    expect(kept).toMatchObject({
      functionId: 'api',
      trigger: 'direct',
      context: { awsRequestId: stubContext().awsRequestId, functionName: 'app-dev-api' },
      variables: ['TABLE', 'AWS_REGION'],
      rerun: false,
      mirrored: false,
      replayed: false,
      redacted: [],
      droppedLogs: 0,
    })
    expect(text(kept!.eventBytes)).toBe('{"order":7,"password":"kept, too"}')
    expect(kept!.event).toEqual({ order: 7, password: 'kept, too' })
    expect(kept!.outcome).toMatchObject({ kind: 'value', value: { got: 7, token: 'kept in memory' } })
    expect(kept!.logs).toMatchObject([{ stream: 'stdout', text: 'order 7' }])
    const { receivedMs, endedMs, limitMs } = kept!.timing
    expect(endedMs).toBeGreaterThanOrEqual(receivedMs)
    expect(limitMs).toBeLessThanOrEqual(10_000)
    expect(Date.parse(kept!.at)).toBeGreaterThan(0)
    expect(recorder.get(kept!.id)).toBe(kept)
    expect(recorder.heads()).toMatchObject([
      { id: kept!.id, outcome: 'value', trigger: 'direct', eventBytes: kept!.eventBytes.length },
    ])
  })

  it('records failed, declined and mirrored invocations', async () => {
    await using tether = new Tether()
    const session = tether.session()
    await using recorder = record(session)
    session.serve({
      functions: {
        api: async () => {
          throw new TypeError('no such order')
        },
      },
    })
    await session.open()
    await expect(tether.stub()({}, stubContext())).rejects.toThrow('no such order')
    await expect(tether.stub({ functionId: 'jobs' })({}, stubContext())).rejects.toThrow('declined')
    expect(recorder.records().map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'error', error: { errorType: 'TypeError', errorMessage: 'no such order' } },
      { kind: 'declined', reason: expect.stringContaining('jobs') },
    ])
    expect(recorder.heads()).toMatchObject([
      { outcome: 'error', errorType: 'TypeError' },
      { outcome: 'declined', functionId: 'jobs' },
    ])
  })

  it('hears of an invocation that another listener has answered already', async () => {
    await using tether = new Tether()
    const session = tether.session()
    session.on('invoke', (invocation) => invocation.respond('early'))
    await using recorder = record(session)
    const ended: string[] = []
    recorder.on('record', ({ id }) => ended.push(id))
    await session.open()
    await tether.stub()({}, stubContext())
    expect(recorder.records()).toMatchObject([{ outcome: { kind: 'value', value: 'early' } }])
    expect(ended).toEqual([recorder.records()[0]!.id])
  })

  it('takes no invocation: without a handler it fails as usual', async () => {
    await using tether = new Tether()
    const session = tether.session()
    await using recorder = record(session)
    await session.open()
    await expect(tether.stub()({}, stubContext())).rejects.toThrow('Call session.serve()')
    expect(recorder.heads()).toMatchObject([{ outcome: 'error' }])
  })

  it('records the selected functions, and running invocations without an outcome', async () => {
    await using tether = new Tether()
    const session = tether.session()
    await using recorder = record(session, { functions: ['jobs'] })
    await session.open()
    const [api, jobs] = [session.next('api'), session.next('jobs')]
    const answers = ['api', 'jobs'].map((functionId) => tether.stub({ functionId })({}, stubContext()))
    const taken = [await api, await jobs]
    expect(recorder.heads()).toEqual([expect.objectContaining({ functionId: 'jobs' })])
    expect(recorder.heads()[0]!.outcome).toBeUndefined()
    for (const each of taken) await each.respond(1)
    await Promise.all(answers)
    expect(recorder.heads()).toMatchObject([{ functionId: 'jobs', outcome: 'value' }])
  })

  it('notes when an acknowledgement left', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session()
    await using recorder = record(session, { clock })
    const opened = session.open()
    await clock.advance(2_000)
    await opened
    const next = session.next('api')
    const answer = tether.stub()({}, stubContext())
    const invocation = await next
    await invocation.ack()
    await clock.advance(25)
    await invocation.respond(null)
    await answer
    const { receivedMs, ackedMs, endedMs } = recorder.records()[0]!.timing
    expect(ackedMs! - receivedMs).toBe(25)
    expect(endedMs! - receivedMs).toBe(25)
  })

  it('ends with the session, and keeps its records', async () => {
    await using tether = new Tether()
    const session = tether.session()
    const recorder = record(session)
    const states: string[] = []
    recorder.on('status', ({ state }) => states.push(state))
    await session.open()
    const closed = new Promise((resolve) => recorder.on('status', resolve))
    await session.close()
    await closed
    expect(states).toEqual(['closed'])
    expect(recorder.status).toEqual({ state: 'closed' })
    await recorder.close()
  })

  it('has listeners that disturb nothing', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      await using tether = new Tether()
      const session = tether.session()
      await using recorder = record(session)
      let heard = 0
      recorder.on('record', () => {
        throw new Error('mine')
      })
      recorder.on('record', () => heard++)
      session.serve({ functions: { api: async () => 1 } })
      await session.open()
      expect(await tether.stub()({}, stubContext())).toBe(1)
      expect(heard).toBe(1)
      expect(warn).toHaveBeenCalledWith(
        expect.objectContaining({ message: 'mine' }),
        'LambdaTetherListenerWarning',
      )
    } finally {
      warn.mockRestore()
    }
  })

  it('names its events when given an unknown one', async () => {
    await using tether = new Tether()
    const recorder = record(tether.session())
    expect(() => recorder.on('recrod' as 'record', () => {})).toThrow('record and status')
  })
})

describe('the history', () => {
  function live(id: string, bytes: number): LiveRecord {
    const eventBytes = Buffer.alloc(bytes, 0x20)
    return new LiveRecord(
      { id, eventBytes, env: {}, context: {}, deadline: 0 } as unknown as Invocation,
      0,
      0,
    )
  }
  const ids = (history: History) => [...history.values()].map(({ id }) => id)

  it('drops the oldest if there are too many', () => {
    const history = new History(2, 1e9)
    for (const id of ['a', 'b', 'c']) history.add(live(id, 1))
    expect(ids(history)).toEqual(['b', 'c'])
    expect(history.get('a')).toBeUndefined()
  })

  it('drops the oldest if they are too large, also by growth, but not the newest', () => {
    const history = new History(100, 10_000)
    const [a, b, c] = [live('a', 1_000), live('b', 1_000), live('c', 1_000)]
    for (const each of [a, b, c]) history.add(each)
    expect(ids(history)).toEqual(['a', 'b', 'c'])
    history.change(c, () => LiveRecord.ended(c, { atMs: 1 }, new RecordedValue(Buffer.alloc(3_000))))
    expect(ids(history)).toEqual(['b', 'c'])
    history.add(live('d', 1_000_000))
    expect(ids(history)).toEqual(['d'])
  })

  it('counts the text of errors, and of their causes', () => {
    const record = live('a', 1)
    const before = LiveRecord.bytesOf(record)
    const cause = { errorType: 'Error', errorMessage: 'x'.repeat(1_000), trace: ['y'.repeat(1_000)] }
    const error = { errorType: 'Error', errorMessage: '', trace: [], cause }
    LiveRecord.ended(record, { atMs: 1 }, { kind: 'error', error })
    expect(LiveRecord.bytesOf(record) - before).toBe(2_000)
  })

  it('holds a megabyte of lines for each invocation, and counts the rest', () => {
    const record = live('a', 1)
    const line = { stream: 'stdout', text: 'x'.repeat(9_900), time: 0, atMs: 0 } as Parameters<
      typeof LiveRecord.logged
    >[1]
    for (let i = 0; i < 200; i++) LiveRecord.logged(record, line)
    expect(record.logs.length).toBe(104)
    expect(record.droppedLogs).toBe(96)
  })

  it('keeps an event without the buffer that it arrived in', () => {
    const arrived = new Uint8Array(100_000)
    const record = new LiveRecord(
      {
        id: 'a',
        eventBytes: arrived.subarray(10, 20),
        env: {},
        context: {},
        deadline: 0,
      } as unknown as Invocation,
      0,
      0,
    )
    expect(record.eventBytes.length).toBe(10)
    expect(record.eventBytes.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize)
  })

  it('keeps a response without the buffer that it came in', () => {
    const { body } = new RecordedValue(new Uint8Array(100_000).subarray(10, 20))
    expect(body.length).toBe(10)
    expect(body.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize)
  })
})
