import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { KeptAnswer } from '../../src/core/session/kept-answer.js'
import { type In, Records } from '../../src/core/session/records.js'
import { Counters } from '../../src/core/wire/counters.js'
import type { InvokeMessage } from '../../src/core/wire/protocol.js'
import { ManualClock } from '../support/manual-clock.js'
import { payloadsWithoutStore } from '../support/payloads.js'

const FROM = 'environment'
const MINUTES_MS = 60_000
const SWEEP_MS = 10_000

function recordsAt(clock: ManualClock, maxAnswerBytes = 1_000_000) {
  const over: string[] = []
  const records = new Records(clock, maxAnswerBytes, ({ id, state }) => over.push(`${state} ${id}`))
  return { records, over }
}

function answerOf(clock: ManualClock, id: string, bytes = 10) {
  const counters = new Counters()
  const said: string[] = []
  const payloads = payloadsWithoutStore(counters)
  const send = async (_to: string, reply: { type: string }) => void said.push(reply.type)
  const say = (_to: string, reply: { type: string }) => void said.push(reply.type)
  const options = { clock, counters, payloads, send: send as never, say }
  const answer = new KeptAnswer(options, FROM, id, { kind: 'value', body: new Uint8Array(bytes) })
  return { answer, said }
}

const arriving = (id: string, at: number): In<'arriving'> => ({
  state: 'arriving',
  id,
  from: FROM,
  deadline: at + MINUTES_MS,
  firstAt: at,
  lastAt: at,
})

function challenged(id: string, deadline: number, bytes: number): In<'challenged'> {
  const message = { event: new Uint8Array(bytes) } as unknown as InvokeMessage
  return { state: 'challenged', id, from: FROM, deadline, message, arrivedAt: 0, nonce: '' }
}

const running = (id: string, deadline: number): In<'running'> =>
  ({ state: 'running', id, from: FROM, deadline, ack: undefined }) as unknown as In<'running'>

const answered = (clock: ManualClock, id: string, deadline: number, bytes?: number): In<'answered'> => ({
  state: 'answered',
  id,
  from: FROM,
  deadline,
  answer: answerOf(clock, id, bytes).answer,
})

describe('a finished invocation', () => {
  it('is known until two minutes after its deadline, or after its stub gave up before it arrived', () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    const deadline = clock.now() + 15 * MINUTES_MS
    records.put(running('one', deadline))
    records.put(answered(clock, 'one', deadline))
    records.end('one')
    records.end('given up')
    expect(records.get('one')).toEqual({ state: 'over', until: deadline + 2 * MINUTES_MS })
    expect(records.get('given up')).toEqual({ state: 'over', until: clock.now() + 2 * MINUTES_MS })
    expect(records.open()).toEqual([])

    clock.jump(17 * MINUTES_MS)
    records.end('two')
    expect(records.get('given up')).toBeUndefined()
    expect(records.get('one')?.state).toBe('over')
    clock.jump(SWEEP_MS)
    records.end('three')
    expect(records.get('one')).toBeUndefined()
    expect(records.get('two')?.state).toBe('over')
  })

  it('takes little memory: a session may have had hundreds of thousands', () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    collect()
    const before = process.memoryUsage().heapUsed
    let last = ''
    for (let i = 0; i < 20_000; i++) {
      const id = randomBytes(16).toString('base64url')
      last = id
      records.put(running(id, clock.now() + 1_000))
      records.put(answered(clock, id, clock.now() + 1_000))
      records.end(id)
    }
    collect()
    // What is known of one that is not over takes more than 1,000 bytes; its id and its time 150.
    expect((process.memoryUsage().heapUsed - before) / 20_000).toBeLessThan(250)
    expect(clock.pending).toBe(0)
    // Until here they are kept.
    expect(records.get(last)?.state).toBe('over')
  })
})

describe('a record', () => {
  it('keeps one timer for its deadline through all states with the same deadline', async () => {
    const clock = new ManualClock()
    const { records, over } = recordsAt(clock)
    const deadline = clock.now() + 5_000
    records.put(arriving('one', clock.now()))
    records.put(running('one', deadline))
    const { timer } = records.get('one') as In<'running'>
    records.put(answered(clock, 'one', deadline))
    expect((records.get('one') as In<'answered'>).timer).toBe(timer)
    expect(clock.pending).toBe(1)
    await clock.advance(4_999)
    expect(over).toEqual([])
    await clock.advance(1)
    expect(over).toEqual(['answered one'])
    await clock.advance(10 * MINUTES_MS)
    expect(over).toEqual(['answered one'])
  })

  it('may return after it is forgotten, and leaves no timer', () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    records.put(arriving('one', clock.now()))
    records.forget('one')
    expect(records.get('one')).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  it('ends the timers and reads of its state when another state replaces it', () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    const reading = new AbortController()
    const deadline = clock.now() + 5_000
    let acks = 0
    const arrival = { message: { remainingMs: 5_000 } } as never
    records.put({ state: 'fetching', id: 'one', from: FROM, deadline, reading, arrival })
    expect(reading.signal.aborted).toBe(false)
    records.put({ ...running('one', deadline), ack: () => acks++ })
    expect(reading.signal.aborted).toBe(true)
    records.put(answered(clock, 'one', deadline))
    expect(acks).toBe(1)
  })
})

it('an invocation ends no later when the clock is set back after its arrival', async () => {
  const clock = new ManualClock()
  const { records, over } = recordsAt(clock)
  const deadline = clock.now() + 5_000
  clock.set(-3_600_000)
  const arrival = { message: { remainingMs: 5_000 } } as never
  records.put({ state: 'fetching', id: 'one', from: FROM, deadline, reading: new AbortController(), arrival })
  await clock.advance(5_000)
  expect(over).toEqual(['fetching one'])
})

describe('memory is bounded', () => {
  it('for invocations that arrive in parts, by their number', () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    for (let i = 0; i <= 10_000; i++) records.put(arriving(`${i}`, clock.now()))
    // One whose parts keep coming is not the oldest.
    records.put(arriving('1', clock.now()))
    records.put(arriving('more', clock.now()))
    expect(['0', '1', '2', '3', 'more'].map((id) => records.get(id)?.state)).toEqual([
      undefined,
      'arriving',
      undefined,
      'arriving',
      'arriving',
    ])
  })

  it('for challenged invocations, by their bytes', () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    const hold = (id: string) => records.put(challenged(id, clock.now() + 10_000, 8 * 1024 * 1024 - 4_096))
    for (const id of ['a', 'b', 'c', 'd']) hold(id)
    expect(records.get('a')?.state).toBe('challenged')
    hold('e')
    expect(records.get('a')).toBeUndefined()
    expect(records.get('b')?.state).toBe('challenged')
  })

  it('for answers, by their bytes: the oldest is evicted, and its stub is told', async () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock, 1_000)
    const [first, second] = [answerOf(clock, 'first', 600), answerOf(clock, 'second', 600)]
    const deadline = clock.now() + 5_000
    records.put({ state: 'answered', id: 'first', from: FROM, deadline, answer: first.answer })
    await first.answer.again()
    records.put({ state: 'answered', id: 'second', from: FROM, deadline, answer: second.answer })
    await first.answer.again()
    await second.answer.again()
    expect(first.said).toEqual(['result', 'error'])
    expect(second.said).toEqual(['result'])
    expect(records.get('first')?.state).toBe('answered')
  })
})

describe('an answer is owed', () => {
  it('to an acknowledged invocation until the answer is sent', async () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    const deadline = clock.now() + 5_000
    records.put(challenged('one', deadline, 0))
    expect(records.idle).toBe(true)
    records.put(running('one', deadline))
    expect(records.idle).toBe(false)
    const left = deferred()
    records.put(answered(clock, 'one', deadline))
    const owed = records.owe('one', left.promise)
    let kept = false
    const waiting = records.kept().then(() => {
      kept = true
    })
    await Promise.resolve()
    expect(kept).toBe(false)
    left.resolve()
    await Promise.all([owed, waiting])
    expect(records.idle).toBe(true)
    expect(records.get('one')?.state).toBe('answered')
  })

  it('no longer after the invocation has ended', async () => {
    const clock = new ManualClock()
    const { records } = recordsAt(clock)
    records.put(running('one', clock.now() + 5_000))
    const waiting = records.kept()
    records.end('one')
    await waiting
    expect(records.idle).toBe(true)
  })
})
