// How a stream ends that local code does not end: its reader always gets an error, and every byte before it.
import type { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import type { Invocation, RespondStreamOptions, Session } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { codeOf, readAll, StreamCaller } from '../support/streams.js'
import { Tether } from '../support/tether.js'

/** A session with one invocation whose stub has read `begun`, and is waiting for more. */
class Started implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly tether = new Tether({ clock: this.clock })
  session!: Session
  stub!: StreamCaller
  invocation!: Invocation
  stream!: Writable
  reading!: ReturnType<typeof readAll>

  static async begin(options: RespondStreamOptions = {}): Promise<Started> {
    const started = new Started()
    const { tether, clock } = started
    started.session = await taking(tether, (invocation) => {
      started.invocation = invocation
      started.stream = invocation.respondStream(options)
      started.stream.write('begun')
    }).open()
    started.stub = new StreamCaller(tether, { clock })
    const { body } = await clock.during(100, started.stub.stream({ remainingMs: 10_000 }))
    started.reading = readAll(body)
    await settle()
    return started
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stub[Symbol.asyncDispose]()
    await this.tether[Symbol.asyncDispose]()
  }
}

function taking(tether: Tether, take: (invocation: Invocation) => void): Session {
  return tether.session().on('invoke', take)
}

const BEGUN = Buffer.from('begun')

it('the session is killed: the deadline ends it', async () => {
  await using started = await Started.begin()
  started.tether.transport.silence('session')
  const { bytes, error } = await started.clock.during(10_000, started.reading)
  expect(bytes).toEqual(BEGUN)
  expect(codeOf(error)).toBe('DEADLINE')
})

it('the session is killed, and another opens: it does not have the stream', async () => {
  await using started = await Started.begin()
  const { tether, clock } = started
  tether.transport.silence('session')
  const other = taking(tether, () => {})
  const opening = other.open()
  await clock.advance(5_000)
  await opening
  const { bytes, error } = await clock.during(3_000, started.reading)
  expect(bytes).toEqual(BEGUN)
  expect(codeOf(error)).toBe('SESSION_LOST')
})

it('the session closes at once: it says so', async () => {
  await using started = await Started.begin()
  void started.session.close({ signal: AbortSignal.abort() })
  const { bytes, error } = await started.clock.during(1_000, started.reading)
  expect(bytes).toEqual(BEGUN)
  expect(error?.name).toBe('LambdaTether.CLOSED')
  expect(started.stream.destroyed).toBe(true)
})

it('the session closes: it waits for the end of the stream', async () => {
  await using started = await Started.begin()
  const closing = started.session.close()
  await started.clock.advance(1_000)
  started.stream.end(' and ended')
  const { bytes, error } = await started.clock.during(1_000, started.reading)
  expect([String(bytes), error]).toEqual(['begun and ended', undefined])
  await closing
})

it('the deadline is there: code and reader are told', async () => {
  await using started = await Started.begin()
  const { bytes, error } = await started.clock.during(10_000, started.reading)
  expect(bytes).toEqual(BEGUN)
  expect(codeOf(error)).toBe('DEADLINE')
  expect(started.invocation.signal.reason).toMatchObject({ code: 'DEADLINE' })
  expect(started.stream.destroyed).toBe(true)
})

it('the stub is closed', async () => {
  await using started = await Started.begin()
  await started.stub.caller.close()
  expect(codeOf((await started.reading).error)).toBe('CLOSED')
})

it('the listener fails the invocation', async () => {
  await using started = await Started.begin()
  await started.invocation.fail(new RangeError('too far'))
  const { bytes, error } = await started.clock.during(100, started.reading)
  expect([String(bytes), error?.name, error?.message]).toEqual(['begun', 'RangeError', 'too far'])
})

it('the listener destroys the stream', async () => {
  await using started = await Started.begin()
  started.stream.destroy()
  const { error } = await started.clock.during(100, started.reading)
  expect(error?.message).toContain('destroyed before its end')
})

it('its last frames are lost: they come again', async () => {
  await using started = await Started.begin()
  const { transport } = started.tether
  let lost = 0
  transport.filter = ({ to, frame }) => (to.role === 'stub' && lost++ < 2 ? [] : [frame])
  started.stream.end(' and ended')
  const { bytes, error } = await started.clock.during(2_000, started.reading)
  expect(lost).toBeGreaterThan(2)
  expect([String(bytes), error]).toEqual(['begun and ended', undefined])
})

it('both connections break: it goes on', async () => {
  await using started = await Started.begin()
  const { transport } = started.tether
  transport.cut('session')
  transport.cut('stub')
  started.stream.end(' and ended')
  const { bytes, error } = await started.clock.during(5_000, started.reading)
  expect([String(bytes), error]).toEqual(['begun and ended', undefined])
})

it('an answer cannot follow', async () => {
  await using started = await Started.begin()
  await expect(started.invocation.respond('late')).rejects.toMatchObject({ code: 'ALREADY_SETTLED' })
  expect(() => started.invocation.respondStream()).toThrow('already has its outcome')
})

it('metadata is the beginning, with the content type among its headers', async () => {
  const metadata = { statusCode: 201, headers: { 'x-a': 'b' }, cookies: ['c=d'] }
  await using started = await Started.begin({ contentType: 'text/plain', metadata })
  started.stream.end()
  const { bytes } = await started.clock.during(100, started.reading)
  const [head, body] = String(bytes).split('\0'.repeat(8))
  expect(JSON.parse(head!)).toEqual({ ...metadata, headers: { 'x-a': 'b', 'content-type': 'text/plain' } })
  expect(body).toBe('begun')
})

it('a wrong option is named, and settles nothing', async () => {
  await using tether = new Tether()
  const thrown = deferred<unknown>()
  const session = taking(tether, (invocation) => {
    try {
      invocation.respondStream({ contentTyp: 'text/plain' } as never)
    } catch (error) {
      thrown.resolve(error)
    }
    void invocation.respond(1)
  })
  await session.open()
  await using stub = new StreamCaller(tether)
  expect(await stub.call()).toMatchObject({ kind: 'value' })
  expect(await thrown.promise).toMatchObject({ code: 'INVALID_OPTION' })
})
