import { expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { StreamBody } from '../../src/core/caller/stream-body.js'
import type { SessionPayloads } from '../../src/core/payload/session-payloads.js'
import type { KeptAnswerOptions } from '../../src/core/session/kept-answer.js'
import { KeptStream } from '../../src/core/session/streaming/kept-stream.js'
import { Counters } from '../../src/core/wire/counters.js'
import type { ChunkMessage } from '../../src/core/wire/protocol.js'
import type { ChunkEvent, FailureEvent, ResponseEvent } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { limitedTransport } from '../support/limited-transport.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { codeOf, readAll, StreamCaller, someCode, streamingExecutor } from '../support/streams.js'
import { openListening, Tether } from '../support/tether.js'

async function* pieces(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

/** A session that serves `api`, whose response is this stream. */
async function streaming(
  tether: Tether,
  body: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  contentType?: string,
) {
  const session = tether.session()
  const executor = streamingExecutor((_task, signal) => ({
    kind: 'stream',
    contentType,
    body: body(signal!),
  }))
  session.serve({ executor, functions: { api: someCode } })
  return session.open()
}

it('passes on a stream as it is written', async () => {
  await using tether = new Tether()
  const turns = [deferred(), deferred()]
  await streaming(
    tether,
    async function* () {
      yield Buffer.from('one ')
      await turns[0]!.promise
      yield Buffer.from('two ')
      await turns[1]!.promise
      yield Buffer.from('three')
    },
    'text/event-stream',
  )
  await using stub = new StreamCaller(tether)
  const { contentType, body } = await stub.stream()
  expect(contentType).toBe('text/event-stream')
  const read: string[] = []
  for await (const chunk of body) {
    turns[read.length]?.resolve()
    read.push(String(chunk))
  }
  expect(read).toEqual(['one ', 'two ', 'three'])
})

it('batches writes in quick succession', async () => {
  await using tether = new Tether()
  await streaming(tether, () => pieces(...'abcdefghij'))
  await using stub = new StreamCaller(tether)
  const { bytes, chunks } = await readAll((await stub.stream()).body)
  expect(String(bytes)).toBe('abcdefghij')
  expect(chunks.length).toBeLessThan(4)
})

it('passes on a stream without a byte, and its content type', async () => {
  await using tether = new Tether()
  await streaming(tether, () => pieces(), 'text/plain')
  await using stub = new StreamCaller(tether)
  const { contentType, body } = await stub.stream()
  expect(contentType).toBe('text/plain')
  expect(await readAll(body)).toMatchObject({ chunks: [], error: undefined })
})

it.each([0, 3])('passes on an error after %i pieces', async (count) => {
  await using tether = new Tether()
  await streaming(tether, async function* () {
    yield* pieces(...'abc'.slice(0, count))
    throw new TypeError('no more')
  })
  await using stub = new StreamCaller(tether)
  const { bytes, error } = await readAll((await stub.stream()).body)
  expect(String(bytes)).toBe('abc'.slice(0, count))
  expect(error).toMatchObject({ name: 'TypeError', message: 'no more' })
})

it('passes on megabytes, byte for byte, without holding many', async () => {
  await using tether = new Tether()
  const piece = Buffer.alloc(100_000)
  let written = 0
  let read = 0
  let most = 0
  await streaming(tether, async function* () {
    for (let i = 0; i < 100; i++) {
      written += piece.length
      most = Math.max(most, written - read)
      yield Buffer.alloc(piece.length, i)
    }
  })
  await using stub = new StreamCaller(tether)
  for await (const chunk of (await stub.stream()).body) {
    const expected = Buffer.from(chunk).map((_, at) => Math.floor((read + at) / piece.length))
    expect(Buffer.compare(expected, chunk)).toBe(0)
    read += chunk.length
  }
  expect(read).toBe(100 * piece.length)
  expect(most).toBeLessThan(1_600_000)
})

it('waits for a slow reader', async () => {
  await using tether = new Tether()
  let written = 0
  await streaming(tether, async function* () {
    for (;;) {
      written += 100_000
      yield Buffer.alloc(100_000)
    }
  })
  await using stub = new StreamCaller(tether)
  const { body } = await stub.stream()
  await settle(50)
  expect(written).toBeLessThan(600_000)
  await body[Symbol.asyncIterator]().return?.()
})

it('stops the code when the reader has gone', async () => {
  await using tether = new Tether()
  const stopped = deferred<unknown>()
  const session = await streaming(tether, async function* (signal) {
    yield Buffer.from('a')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    stopped.resolve(signal.reason)
  })
  const failed = deferred<FailureEvent>()
  session.on('fail', (_, failure) => failed.resolve(failure))
  await using stub = new StreamCaller(tether)
  for await (const _ of (await stub.stream()).body) break
  expect(codeOf(await stopped.promise)).toBe('ABORTED')
  expect((await failed.promise).error.errorType).toBe('LambdaTether.ABORTED')
})

it('releases a stream that comes too late, even if its code then throws', async () => {
  await using tether = new Tether()
  const left = deferred()
  const begun = deferred()
  const rejected: unknown[] = []
  const onRejection = (reason: unknown) => void rejected.push(reason)
  process.on('unhandledRejection', onRejection)
  const body = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: true as const, value: undefined }),
      return: async () => {
        left.resolve()
        throw new Error('it was not done')
      },
    }),
  }
  const executor = streamingExecutor(async (_task, signal) => {
    begun.resolve()
    await new Promise((resolve) => signal!.addEventListener('abort', resolve))
    await settle()
    return { kind: 'stream', body }
  })
  const session = tether.session().serve({ executor, functions: { api: someCode } })
  await session.open()
  const stub = new StreamCaller(tether)
  const call = stub.call().catch(codeOf)
  await begun.promise
  await stub.caller.close()
  expect(await call).toBe('CLOSED')
  await session.close({ signal: AbortSignal.abort() })
  await left.promise
  await settle()
  process.off('unhandledRejection', onRejection)
  expect(rejected).toEqual([])
  expect(tether.discards).toMatchObject([{ reason: 'late' }])
})

it('limits the number of unread chunks, however small', async () => {
  const clock = new ManualClock()
  const sent: ChunkMessage[] = []
  const options = {
    clock,
    counters: new Counters(memory()),
    payloads: { inlineBytes: 100_000 } as SessionPayloads,
    send: async (_to: string, reply: object) => {
      sent.push({ ...reply, session: 's', epoch: 1 } as ChunkMessage)
      return undefined
    },
    say: () => {},
  } as KeptAnswerOptions
  const kept = new KeptStream(options, 'stub', 'i-1', undefined)
  for (let written = 0; written < 1_100; written++) {
    void kept.write(Buffer.from('x'))
    await clock.advance(5)
  }
  expect(sent).toHaveLength(1_024)
  // What waits becomes one chunk.
  void kept.credit({ through: 1 })
  await settle()
  expect(sent.at(-1)!.data).toHaveLength(1_100 - 1_024)
  let told = 0
  const body = new StreamBody({ onTaken: () => void told++, onReturned: () => {} })
  for (let seq = 0; seq < 2_000; seq++)
    body.take({ type: 'chunk', id: 'i-1', session: 's', epoch: 1, seq, data: Buffer.from('x') })
  expect(body.credit(true).from).toBe(1_024)
  for (let read = 0; read < 256; read++) await body.bytes.next()
  expect(told).toBe(1)
  expect(body.credit(false).through).toBe(256)
  kept.drop()
})

it('sends its end once at a time, however often a stub asks', async () => {
  const leaving = deferred<undefined>()
  const sent: string[] = []
  const options: KeptAnswerOptions = {
    clock: new ManualClock(),
    counters: new Counters(memory()),
    payloads: { inlineBytes: 100_000 } as SessionPayloads,
    send: async (_to, { type }) => {
      sent.push(type)
      return leaving.promise
    },
    say: () => {},
  }
  const kept = new KeptStream(options, 'stub', 'i-1', undefined)
  const ask = () => void kept.credit({ through: 0, from: 0 })
  void kept.end()
  for (let asked = 0; asked < 10; asked++) ask()
  await settle()
  expect(sent).toEqual(['end'])
  leaving.resolve(undefined)
  await settle()
  ask()
  await settle()
  expect(sent).toEqual(['end', 'end'])
})

it('collects a stream for a stub without streams', async () => {
  await using tether = new Tether()
  await streaming(tether, () => pieces('{"a":', '1}'))
  await using stub = new StreamCaller(tether)
  const outcome = await stub.call({ streams: false })
  expect(outcome).toMatchObject({ kind: 'value', body: Buffer.from('{"a":1}') })
})

it('rejects more than 6 MB for a stub without streams, and stops the code', async () => {
  await using tether = new Tether()
  let written = 0
  await streaming(tether, async function* () {
    for (;;) {
      written += 1_000_000
      yield Buffer.alloc(1_000_000)
    }
  })
  await using stub = new StreamCaller(tether)
  const outcome = await stub.call({ streams: false })
  expect(outcome).toMatchObject({ kind: 'error', error: { errorType: 'Function.ResponseSizeTooLarge' } })
  expect(written).toBe(7_000_000)
})

it('emits the chunks of a stream to listeners of the session', async () => {
  await using tether = new Tether()
  const session = await streaming(tether, () => pieces('one', 'two'), 'text/plain')
  const chunks: ChunkEvent[] = []
  const responded = deferred<ResponseEvent>()
  session.on('chunk', (_, chunk) => chunks.push(chunk))
  session.on('respond', (_, response) => responded.resolve(response))
  await using stub = new StreamCaller(tether)
  await readAll((await stub.stream()).body)
  const { body, stream } = await responded.promise
  expect(chunks.map(({ body, index, contentType }) => [String(body), index, contentType])).toEqual([
    ['one', 0, 'text/plain'],
    ['two', 1, 'text/plain'],
  ])
  expect(String(body)).toBe('onetwo')
  const told = chunks.map(({ atMs }) => ({ bytes: 3, atMs }))
  expect(stream).toEqual({ contentType: 'text/plain', bytes: 6, chunks: told })
})

it('keeps to the rate of both connections, however often local code writes', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const transport = limitedTransport(memory(), clock)
  const written = Array.from({ length: 1_000 }, (_, i) => `data: ${i}\n\n`)
  const executor = streamingExecutor(() => ({
    kind: 'stream',
    body: (async function* () {
      for (const text of written) {
        await new Promise<void>((resolve) => clock.schedule(3, resolve))
        yield Buffer.from(text)
      }
    })(),
  }))
  const session = tether.session({ transport }).serve({ executor, functions: { api: someCode } })
  await openListening(session, clock)
  await using stub = new StreamCaller(tether, { transport, clock })
  const reading = stub.stream().then(({ body }) => readAll(body))
  const { bytes, chunks } = await clock.during(4_000, reading)
  expect(String(bytes)).toBe(written.join(''))
  expect(transport.discarded).toBe(0)
  // Most of the rate is used: nothing waits for longer than it has to.
  expect(chunks.length).toBeGreaterThan(240)
})
