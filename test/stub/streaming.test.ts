import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import type { CallOutcome } from '../../src/core/caller/call-state.js'
import { isStreaming } from '../../src/core/contracts/response-stream.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createStub, type OnNobody, stubKey } from '../../src/stub/index.js'
import { callOrFallback } from '../../src/stub/outcome.js'
import { streaming } from '../../src/stub/streaming/write-outcome.js'
import { memory } from '../../src/transports/memory.js'
import { stubContext } from '../support/stub-context.js'

const HTTP = 'application/vnd.awslambda.http-integration-response'
const NULS = '\0'.repeat(8)
const http = { requestContext: { http: { method: 'GET' } } }

/** The runtime's stream, as far as a stub uses it. */
class Response extends Writable {
  contentType = 'application/octet-stream'
  readonly #chunks: Buffer[] = []
  /** Called with what lets the next write go on. */
  onWrite: (taken: () => void) => void = (taken) => taken()

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }

  setContentType(contentType: string): void {
    if (this.#chunks.length > 0) throw new Error('too late')
    this.contentType = contentType
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.#chunks.push(chunk)
    this.onWrite(taken)
  }
}

async function* bytesOf(writes: readonly string[], error?: unknown) {
  for (const write of writes) yield Buffer.from(write)
  if (error !== undefined) throw error
}

/** What a streaming stub makes of an outcome, or of an error in its place. */
function stub(
  outcome: CallOutcome | Error,
  {
    event = {} as unknown,
    onNobody = 'auto' as OnNobody,
    passthrough = undefined as (() => unknown) | undefined,
  } = {},
  response = new Response(),
) {
  const call = async () => {
    if (outcome instanceof Error) throw outcome
    return outcome
  }
  const answered = callOrFallback(call, event, onNobody, streaming(response, event, passthrough))
  return { response, answered }
}

const value = (body: unknown): CallOutcome => ({ kind: 'value', body: Buffer.from(JSON.stringify(body)) })
const streamOf = (body: AsyncIterable<Uint8Array>, contentType?: string): CallOutcome => ({
  kind: 'stream',
  contentType,
  body,
})

describe('a stub that streams', () => {
  it('passes a stream on byte for byte, with its content type', async () => {
    const { response, answered } = stub(
      streamOf(bytesOf(['data: 1\n\n', 'data: 2\n\n']), 'text/event-stream'),
    )
    expect(await answered).toBeUndefined()
    expect([response.contentType, response.text, response.writableFinished]).toEqual([
      'text/event-stream',
      'data: 1\n\ndata: 2\n\n',
      true,
    ])
  })

  it('ends an empty stream without a byte', async () => {
    const { response, answered } = stub(streamOf(bytesOf([]), HTTP))
    await answered
    expect([response.contentType, response.text, response.writableFinished]).toEqual([HTTP, '', true])
  })

  it.each([
    ['before its first byte', []],
    ['after its first byte', ['so far']],
  ])('rethrows an error of the code %s, and does not end the stream', async (_, writes) => {
    const error = new RangeError('no')
    const { response, answered } = stub(streamOf(bytesOf(writes, error), 'text/plain'))
    await expect(answered).rejects.toBe(error)
    expect([response.contentType, response.text, response.writableEnded]).toEqual([
      'text/plain',
      writes.join(''),
      false,
    ])
  })

  it('throws under its code’s name if the stream breaks off, without running the original', async () => {
    const lost = new TetherError('SESSION_LOST', 'gone')
    const { answered } = stub(streamOf(bytesOf(['so far'], lost)), { passthrough: () => 'never' })
    await expect(answered).rejects.toMatchObject({ name: 'LambdaTether.SESSION_LOST' })
    const unreachable = new TetherError('UNREACHABLE', 'gone')
    const { answered: late } = stub(streamOf(bytesOf(['so far'], unreachable)), {
      passthrough: () => 'never',
    })
    await expect(late).rejects.toBe(unreachable)
  })

  it('reads no more than the runtime takes', async () => {
    let read = 0
    async function* body() {
      for (; read < 100; read++) yield new Uint8Array(16_384)
    }
    const response = new Response()
    const taken: (() => void)[] = []
    response.onWrite = (next) => void taken.push(next)
    const { answered } = stub(streamOf(body()), {}, response)
    await expect.poll(() => read).toBe(0)
    expect(taken).toHaveLength(1)
    response.onWrite = (next) => next()
    taken[0]?.()
    await answered
    expect(read).toBe(100)
  })

  it('stops reading if the runtime’s stream is gone', async () => {
    let left = false
    async function* body() {
      try {
        for (;;) yield Buffer.from('x')
      } finally {
        left = true
      }
    }
    const response = new Response()
    response.onWrite = () => response.destroy()
    await stub(streamOf(body()), {}, response).answered
    expect(left).toBe(true)
  })

  it.each([
    [
      'a response object to HTTP',
      http,
      { statusCode: 201, headers: { a: 'b' }, cookies: ['c=d'], body: 'x' },
      HTTP,
      `{"statusCode":201,"headers":{"a":"b"},"cookies":["c=d"]}${NULS}x`,
    ],
    [
      'a binary body',
      http,
      { statusCode: 200, isBase64Encoded: true, body: 'AAH/' },
      HTTP,
      `{"statusCode":200}${NULS}${Buffer.from('AAH/', 'base64')}`,
    ],
    ['a response without a body', http, { statusCode: 204 }, HTTP, `{"statusCode":204}${NULS}`],
    ['another value to HTTP', http, { a: 1 }, 'application/json', '{"a":1}'],
    [
      'a response object to others',
      { Records: [] },
      { statusCode: 201 },
      'application/json',
      '{"statusCode":201}',
    ],
    ['null', {}, null, 'application/json', 'null'],
  ])('writes %s as Lambda would', async (_, event, answer, contentType, text) => {
    const { response, answered } = stub(value(answer), { event })
    await answered
    expect([response.contentType, response.text]).toEqual([contentType, text])
  })

  it('rethrows an error of code that did not stream', async () => {
    const error = { errorType: 'RangeError', errorMessage: 'no', trace: ['RangeError: no'] }
    await expect(stub({ kind: 'error', error }).answered).rejects.toMatchObject({
      name: 'RangeError',
      message: 'no',
    })
  })

  it('answers HTTP with a 503, runs the original, or throws if no session is there', async () => {
    const nobody = () => new TetherError('NO_SESSION', 'nobody')
    const { response, answered } = stub(nobody(), { event: http })
    await answered
    expect(response.text).toContain('{"statusCode":503,')
    expect(response.text).toContain(`${NULS}{"message":"nobody","code":"NO_SESSION"}`)
    const passing = stub(nobody(), { event: http, passthrough: () => 'original' })
    expect(await passing.answered).toBe('original')
    await expect(stub(nobody()).answered).rejects.toMatchObject({ name: 'LambdaTether.NO_SESSION' })
  })
})

describe('createStub', () => {
  const names = { app: 'shop', stage: 'dev' }
  const options = {
    ...names,
    key: stubKey({ ...names, key: generateKey(), functionId: 'api' }),
    transport: memory(),
    // Nobody is asked.
    liveUntil: 1,
    env: {},
  }

  it('marks a stub that streams, and no other', () => {
    expect(isStreaming(createStub({ ...options, streaming: true }))).toBe(true)
    expect(isStreaming(createStub(options))).toBe(false)
  })

  it('gives a streaming original the real stream, and writes the result of another', async () => {
    const original = Object.assign(
      async (event: unknown, stream: Response, context: unknown) => {
        stream.setContentType('text/plain')
        stream.end(JSON.stringify([event, typeof context]))
      },
      { [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response' },
    )
    const streamed = new Response()
    await createStub({ ...options, streaming: true, passthrough: original })(
      { a: 1 },
      streamed,
      stubContext(),
    )
    expect([streamed.contentType, streamed.text]).toEqual(['text/plain', '[{"a":1},"object"]'])
    const written = new Response()
    const returning = async () => ({ statusCode: 404 })
    await createStub({ ...options, streaming: true, passthrough: returning })(http, written, stubContext())
    expect(written.text).toBe(`{"statusCode":404}${NULS}`)
    // One that streams cannot be run without a stream.
    expect(() => createStub({ ...options, passthrough: original as never })).toThrow(
      "'streaming' must be true",
    )
  })

  it('names its arguments when called wrongly', async () => {
    const stub = createStub({ ...options, streaming: true }) as (...args: unknown[]) => Promise<unknown>
    await expect(stub({}, stubContext())).rejects.toThrow('an event, a response stream and a context')
  })
})
