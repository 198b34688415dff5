import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { callFacts } from '../../src/stub/call-input.js'
import { EnvironmentReader } from '../../src/stub/environment-reader.js'
import { StubThread } from '../../src/stub/wrap/stub-thread.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'

const environment = new EnvironmentReader({})

/** A stub of its own code. */
function stubFile(code: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'stub-thread-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'stub.cjs')
  writeFileSync(file, `const { parentPort } = require('node:worker_threads')\n${code}`)
  return file
}

it('ends a stub that hangs, before the function’s time is over, and goes without it', async () => {
  const file = stubFile(`parentPort.on('message', () => { for (;;) {} })`)
  const clock = new ManualClock()
  const failures: unknown[] = []
  const thread = new StubThread({ file, env: {}, clock, onFailure: (error) => failures.push(error) })
  onTestFinished(() => thread.close())
  const input = {
    ...callFacts(stubContext({ remainingMs: 3_000 }), environment, 'api'),
    event: new Uint8Array(),
  }
  const call = thread.call(input)
  let settled = false
  call.catch(() => {
    settled = true
  })
  await clock.advance(2_800)
  expect(settled).toBe(false)
  await clock.advance(100)
  await expect(call).rejects.toMatchObject({ code: 'DEADLINE', message: expect.stringContaining('hangs') })
  await expect.poll(() => failures.length).toBe(1)
  await expect(thread.call(input)).rejects.toMatchObject({ code: 'UNREACHABLE' })
})

it('hands a stub that does not get on no more than eight copies', async () => {
  // It never says that a copy has left, and tells how many it was given.
  const file = stubFile(`let copies = 0
    parentPort.on('message', ({ type, number }) => {
      if (type === 'mirror') copies += 1
      else parentPort.postMessage({ type: 'outcome', number, outcome: { kind: 'value', body: new Uint8Array([copies]) } })
    })`)
  const thread = new StubThread({ file, env: {}, onFailure: () => {} })
  onTestFinished(() => thread.close())
  const facts = callFacts(stubContext(), environment, 'api')
  for (let n = 0; n < 20; n++) thread.mirror(facts, 'event', '{}')
  expect(await thread.call({ ...facts, event: new Uint8Array() })).toMatchObject({
    body: new Uint8Array([8]),
  })
})

it.each([
  ['throws', 'throw new Error("bug")', 'SESSION_LOST', 'UNREACHABLE'],
  ['exits', 'process.exit(1)', 'SESSION_LOST', 'UNREACHABLE'],
])(
  'reports a stub that %s as a lost session where one had acknowledged, and as unreachable where none had',
  async (_how, death, acknowledged, unheard) => {
    // The first call is acknowledged; with the second it dies.
    const file = stubFile(`parentPort.on('message', ({ number }) => {
      if (number === 1) parentPort.postMessage({ type: 'acknowledged', number })
      else { ${death} }
    })`)
    const failures: unknown[] = []
    const thread = new StubThread({ file, env: {}, onFailure: (error) => failures.push(error) })
    onTestFinished(() => thread.close())
    const input = { ...callFacts(stubContext(), environment, 'api'), event: new Uint8Array() }
    const calls = await Promise.allSettled([thread.call(input), thread.call(input)])
    expect(calls).toMatchObject([{ reason: { code: acknowledged } }, { reason: { code: unheard } }])
    expect(failures).toHaveLength(1)
  },
)

describe('a stream', () => {
  // Each call streams a part each time that it is asked for one; what its event says comes after them.
  const STREAMS = `const asked = new Map()
    parentPort.on('message', ({ type, number, input }) => {
      const part = (part) => parentPort.postMessage({ type: 'part', number, part })
      if (type === 'call') {
        asked.set(number, { count: 0, end: Buffer.from(input.event).toString() })
        parentPort.postMessage({ type: 'acknowledged', number })
        parentPort.postMessage({ type: 'stream', number, contentType: 'text/plain' })
      } else if (type === 'leave') {
        parentPort.postMessage({ type: 'outcome', number: number + 1, outcome: { kind: 'value', body: new Uint8Array([9]) } })
      } else {
        const call = asked.get(number)
        call.count += 1
        if (call.count < 3) part({ kind: 'bytes', bytes: new Uint8Array([call.count]) })
        else if (call.end === 'exit') process.exit(1)
        else part(JSON.parse(call.end))
      }
    })`

  /** A call whose stream ends so after two parts. */
  async function streaming(end: string, options: { clock?: ManualClock } = {}) {
    const thread = new StubThread({ file: stubFile(STREAMS), env: {}, ...options, onFailure: () => {} })
    onTestFinished(() => thread.close())
    const input = { ...callFacts(stubContext(), environment, 'api'), event: Buffer.from(end) }
    const outcome = await thread.call(input)
    if (outcome.kind !== 'stream') throw new Error('is no stream')
    return { thread, input, ...outcome }
  }

  it.each([
    ['{"kind":"end"}', 'end'],
    [
      '{"kind":"error","error":{"errorType":"RangeError","errorMessage":"no","trace":["at x"]}}',
      { name: 'RangeError', message: 'no' },
    ],
    ['{"kind":"failed","code":"DEADLINE","message":"late"}', { code: 'DEADLINE', message: 'late' }],
    ['exit', { code: 'SESSION_LOST' }],
  ])('comes part by part, and ends with %s', async (end, expected) => {
    const { body, contentType } = await streaming(end)
    expect(contentType).toBe('text/plain')
    const read: number[] = []
    const ended = (async () => {
      for await (const bytes of body) read.push(...bytes)
      return 'end'
    })()
    if (expected === 'end') expect(await ended).toBe('end')
    else await expect(ended).rejects.toMatchObject(expected as object)
    expect(read).toEqual([1, 2])
  })

  it('that is left is ended in the stub’s thread', async () => {
    const { thread, input, body } = await streaming('{"kind":"end"}')
    for await (const _ of body) break
    // The fake answers the next call once it hears of it.
    expect(await thread.call(input)).toMatchObject({ kind: 'value', body: new Uint8Array([9]) })
  })
})
