import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { encodeMessage } from '../../src/core/wire/codec.js'
import { decodeHeader } from '../../src/core/wire/frame.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { Sealer } from '../support/sealer.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const SESSION = { app: 'shop', stage: 'dev', role: 'session', name: 'default' } as const
const MESSAGE_BYTES = 9 * 1024 * 1024
const PART_BYTES = 128_000
/** What a session's incomplete messages may hold, and half as much for what the process needs to hold them. */
const MOST_BYTES = 1.5 * 64 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What the process holds after a collection. */
async function heldBytes(): Promise<number> {
  // Buffers are freed after their collection, in the background.
  for (let times = 0; times < 3; times++) {
    collect()
    await settle()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Who has the key and sends what it never completes. */
async function flooder(tether: Tether) {
  const sealer = new Sealer(tether.key, { ...SESSION, role: 'stub' })
  const { name } = sealer
  const self = { ...SESSION, role: 'stub', name } as const
  const connection = await tether.transport.connect(self, { onFrame() {} })
  let messages = 0
  return {
    name,
    /** The first part of a message of so many, and nothing after it. */
    async begin(count: number, part: Uint8Array): Promise<void> {
      const frame = sealer.frame(SESSION, part, { count, totalBytes: MESSAGE_BYTES })
      await connection.send({ ...SESSION, lane: 0 }, frame)
      if (++messages % 100 === 0) await settle(1)
      // The test's own record of what was sent is none of the session's memory.
      tether.transport.take('session')
    },
  }
}

/** The first part, of so many bytes, of an invocation under an id of so many letters. */
function invocationPart(idLetters: number, bytes = PART_BYTES): Uint8Array {
  const context = {
    awsRequestId: '',
    functionName: '',
    functionVersion: '',
    invokedFunctionArn: '',
    memoryLimitInMB: '',
    logGroupName: '',
    logStreamName: '',
  }
  const id = randomBytes(Math.ceil((idLetters * 3) / 4)).toString('base64')
  const event = randomBytes(bytes)
  const message = { type: 'invoke', id, functionId: 'api', context, event } as const
  const rest = { remainingMs: 1, ageMs: 0, sentAt: 0, envFingerprint: '', settled: [], epoch: 0 }
  return encodeMessage({ ...message, ...rest }).subarray(0, bytes)
}

describe('prior art 12: under a flood of half messages a session', () => {
  it.each([
    ['large parts', 1_000, () => [80, new Uint8Array(PART_BYTES)] as const],
    ['tiny parts of messages of millions', 2_000, () => [MESSAGE_BYTES, new Uint8Array(1)] as const],
    ['many tiny parts', 45_000, () => [MESSAGE_BYTES, new Uint8Array(1)] as const],
    ['invocations with ordinary ids', 11_000, () => [80, invocationPart(22, 600)] as const],
    ['invocations with endless ids', 1_000, () => [80, invocationPart(100_000)] as const],
  ])(
    'holds a fixed number of bytes, and answers: %s',
    async (_what, messages, part) => {
      await using tether = new Tether()
      const session = tether.session().on('invoke', (invocation) => invocation.respond('served'))
      await session.open()
      const stub = tether.stub()
      expect(await stub({}, stubContext())).toBe('served')
      const { begin } = await flooder(tether)
      const before = await heldBytes()
      for (let sent = 0; sent < messages; sent++) {
        const [count, bytes] = part()
        await begin(count, bytes)
      }
      await settle()
      expect((await heldBytes()) - before).toBeLessThan(MOST_BYTES)
      expect(await stub({}, stubContext())).toBe('served')
    },
    60_000,
  )

  it('completes a large invocation with parts that arrive amid the flood', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session()
    session.on('invoke', (invocation) => invocation.respond((invocation.event as string).length))
    await session.open()
    const { begin, name } = await flooder(tether)
    const part = new Uint8Array(PART_BYTES)
    const event = randomBytes(2_500_000).toString('base64')
    let flooding = 0
    tether.transport.filter = ({ to, frame }) => {
      // Forty of theirs for each of its own.
      if (to.role === 'session' && !decodeHeader(frame).header.sender.endsWith(name)) {
        for (let n = 0; n < 40; n++) void begin(80, part)
        flooding += 40
      }
      return [frame]
    }
    const answer = tether.stub()(event, stubContext())
    await clock.advance(5_000)
    expect(await answer).toBe(event.length)
    expect(flooding * PART_BYTES).toBeGreaterThan(MOST_BYTES / 1.5)
    expect(session.stats().invocations.received).toBe(1)
  }, 60_000)
})
