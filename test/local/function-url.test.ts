import { get } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import {
  functionUrl,
  type InvokeStream,
  type InvokeStreamError,
  type LocalFunction,
} from '../../src/local/index.js'

const HTTP = 'application/vnd.awslambda.http-integration-response'
const NULS = '\0'.repeat(8)

type Target = Pick<LocalFunction, 'invoke' | 'invokeWithResponseStream'>

async function url(target: Partial<Target>, invokeMode?: 'BUFFERED' | 'RESPONSE_STREAM') {
  const none = async () => {
    throw new Error('is not to be invoked so')
  }
  const made = await functionUrl({
    function: { invoke: none, invokeWithResponseStream: none, ...target },
    invokeMode,
  })
  onTestFinished(() => made.close())
  return made.url
}

/** A function that answers with these writes, and then fails or ends. */
function streaming(writes: readonly string[], contentType: string, error?: InvokeStreamError) {
  return url(
    { invokeWithResponseStream: async () => streamOf(bytesOf(writes), contentType, error) },
    'RESPONSE_STREAM',
  )
}

function streamOf(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  error?: InvokeStreamError,
): InvokeStream {
  return { requestId: 'r', contentType, body, end: Promise.resolve({ error, logTail: '', durationMs: 1 }) }
}

async function* bytesOf(writes: readonly string[]) {
  for (const write of writes) yield Buffer.from(write)
}

const failure: InvokeStreamError = { type: 'TypeError', payload: Buffer.from('{}') }

describe('RESPONSE_STREAM', () => {
  test('sends status, headers and cookies of a prelude, however it is cut', async () => {
    const metadata = JSON.stringify({ statusCode: 418, headers: { 'X-A': 'b' }, cookies: ['c=d', 'e=f'] })
    const whole = `${metadata}${NULS}body`
    const response = await fetch(await streaming([...whole], HTTP))
    expect(response.status).toBe(418)
    expect(response.headers.getSetCookie()).toEqual(['c=d', 'e=f'])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-a': 'b',
      'content-type': 'application/octet-stream',
      'transfer-encoding': 'chunked',
    })
    expect(await response.text()).toBe('body')
  })

  test.each([
    [
      'what has no prelude with its content type',
      ['da', 'ta'],
      'text/event-stream',
      'text/event-stream',
      'data',
    ],
    [
      'what is not streamed as it is',
      ['{"statusCode":404}'],
      'application/json',
      'application/json',
      '{"statusCode":404}',
    ],
    // As on Lambda, where the runtime writes the prelude with the first byte.
    ['nothing of a prelude without a write', [], HTTP, 'application/octet-stream', ''],
  ])('sends %s', async (_, writes, contentType, sent, text) => {
    const response = await fetch(await streaming(writes, contentType))
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      sent,
      text,
    ])
  })

  test('sends each write as it comes, and takes no more than the client reads', async () => {
    let taken = 0
    const release: (() => void)[] = []
    async function* body() {
      yield Buffer.from('first')
      await new Promise<void>((resolve) => release.push(resolve))
      for (; taken < 4096; taken++) yield Buffer.alloc(65_536)
    }
    const address = await url(
      { invokeWithResponseStream: async () => streamOf(body(), 'text/plain') },
      'RESPONSE_STREAM',
    )
    const { body: read } = await fetch(address)
    const reader = read!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('first')
    release[0]!()
    await reader.read()
    // What sockets hold meanwhile is a few megabytes; the body has 256.
    await expect.poll(() => taken).toBeGreaterThan(10)
    expect(taken).toBeLessThan(1024)
    await reader.cancel()
    // A client that goes away does not stop the function.
    await expect.poll(() => taken).toBe(4096)
  })

  test('is a 502 if the function fails before its first byte, or the prelude is invalid', async () => {
    const statusOf = async (address: Promise<string>) => (await fetch(await address)).status
    expect(await statusOf(streaming([], 'text/plain', failure))).toBe(502)
    expect(await statusOf(streaming([], HTTP, failure))).toBe(502)
    expect(await statusOf(streaming([`{"statusCode":${NULS}x`], HTTP))).toBe(502)
    expect(await statusOf(streaming([`{"statusCode":"ab"}${NULS}x`], HTTP))).toBe(502)
    expect(await statusOf(streaming(['{"statusCode":200}'], HTTP))).toBe(502)
  })

  test('lets a function with an invalid prelude run to its end', async () => {
    let left = false
    async function* body() {
      try {
        yield Buffer.from(`no prelude${NULS}`)
        yield Buffer.from('more')
      } finally {
        left = true
      }
    }
    const target = { invokeWithResponseStream: async () => streamOf(body(), HTTP) }
    expect((await fetch(await url(target, 'RESPONSE_STREAM'))).status).toBe(502)
    // The body's own way to be left, which reads it to its end.
    expect(left).toBe(true)
  })

  test('cuts the response if the function fails in the middle', async () => {
    const address = await streaming(['so far'], 'text/plain', failure)
    const read: Buffer[] = []
    const end = await new Promise((resolve) => {
      get(address, (response) => {
        response.on('data', (chunk: Buffer) => read.push(chunk))
        response.on('end', () => resolve('end'))
        response.on('error', () => resolve('cut'))
      })
    })
    expect([Buffer.concat(read).toString(), end]).toEqual(['so far', 'cut'])
  })

  test('sends no body with a 204 or to HEAD, and still runs the function', async () => {
    const response = await fetch(await streaming([`{"statusCode":204}${NULS}`, 'x'], HTTP))
    expect([response.status, await response.text()]).toEqual([204, ''])
    const head = await fetch(await streaming(['x'], 'text/plain'), { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/plain'])
  })
})

describe('BUFFERED', () => {
  const buffered = (payload: string, functionError?: 'Unhandled') =>
    url({
      invoke: async () => ({
        requestId: 'r',
        statusCode: 200,
        payload: Buffer.from(payload),
        functionError,
        logTail: '',
        durationMs: 1,
      }),
    })

  test.each([
    ['a response', '{"statusCode":201,"body":"b"}', [201, 'application/json', 'b']],
    ['a value', '{"a":1}', [200, 'application/json', '{"a":1}']],
    // What a function streams is collected, with its prelude.
    [
      'bytes that are no JSON',
      `{"statusCode":201}${NULS}b`,
      [200, 'application/json', `{"statusCode":201}${NULS}b`],
    ],
    [
      'a malformed response',
      '{"statusCode":"x"}',
      [502, 'application/json', '{"Message":"Internal Server Error"}'],
    ],
  ])('sends %s', async (_, payload, expected) => {
    const response = await fetch(await buffered(payload))
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual(expected)
  })

  test('is a 502 if the function fails', async () => {
    expect((await fetch(await buffered('{}', 'Unhandled'))).status).toBe(502)
  })
})

test.each([
  ['TOO_LARGE', 413],
  ['THROTTLED', 429],
  ['CLOSED', 502],
] as const)('%s is a %i', async (code, status) => {
  const refused = async () => {
    throw new TetherError(code, 'no')
  }
  const response = await fetch(await url({ invokeWithResponseStream: refused }, 'RESPONSE_STREAM'))
  expect(response.status).toBe(status)
})
