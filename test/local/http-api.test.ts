import { request as httpRequest } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import type { InvokeOptions, InvokeResult } from '../../src/local/index.js'
import { httpApi } from '../../src/local/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { json, lambdaHost, localFunction } from './lambda-fixture.js'

type Invoke = (event: unknown, options?: InvokeOptions) => Promise<InvokeResult>

async function api(invoke: Invoke, options: { clock?: ManualClock } = {}) {
  const made = await httpApi({ function: { invoke: (event, how) => invoke(event, how) }, ...options })
  onTestFinished(() => made.close())
  return made
}

/** A function that answers with this, and keeps the events it got. */
async function answering(answer: unknown, bytes?: Buffer) {
  const events: unknown[] = []
  const { url } = await api(async (event) => {
    events.push(event)
    return result({ payload: bytes ?? Buffer.from(JSON.stringify(answer)) })
  })
  return { url, events }
}

function result(fields: Partial<InvokeResult>): InvokeResult {
  return {
    requestId: 'r',
    statusCode: 200,
    payload: Buffer.from('null'),
    logTail: '',
    durationMs: 0,
    ...fields,
  }
}

describe('the event', () => {
  test('has payload format 2.0', async () => {
    const { url, events } = await answering({ statusCode: 204 })
    await raw(
      `${url}/a%20b/%E6%BC%A2?x=1&x=2&y=a%20b&z=`,
      'PUT',
      [
        ['X-Multi', 'one'],
        ['x-multi', 'two'],
        ['Cookie', 'a=1; b=2'],
        ['Content-Type', 'application/json; charset=utf-8'],
        ['User-Agent', 'agent'],
      ],
      '{"漢":1}',
    )
    const host = new URL(url).host
    expect(events).toEqual([
      {
        version: '2.0',
        routeKey: '$default',
        rawPath: '/a b/漢',
        rawQueryString: 'x=1&x=2&y=a%20b&z=',
        cookies: ['a=1', 'b=2'],
        headers: {
          host,
          'x-multi': 'one,two',
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'agent',
          'content-length': '9',
          connection: expect.any(String),
        },
        queryStringParameters: { x: '1,2', y: 'a b', z: '' },
        requestContext: {
          accountId: '123456789012',
          apiId: expect.stringMatching(/^[0-9a-f]{10}$/),
          domainName: host,
          domainPrefix: '127',
          http: {
            method: 'PUT',
            path: '/a b/漢',
            protocol: 'HTTP/1.1',
            sourceIp: '127.0.0.1',
            userAgent: 'agent',
          },
          requestId: expect.any(String),
          routeKey: '$default',
          stage: '$default',
          time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
          timeEpoch: expect.any(Number),
        },
        body: '{"漢":1}',
        isBase64Encoded: false,
      },
    ])
  })

  test('omits body, query and cookies if the request has none', async () => {
    const { url, events } = await answering(1)
    await fetch(url)
    expect(events[0]).not.toHaveProperty('body')
    expect(events[0]).not.toHaveProperty('cookies')
    expect(events[0]).not.toHaveProperty('queryStringParameters')
    expect(events[0]).toMatchObject({ rawPath: '/', rawQueryString: '', isBase64Encoded: false })
  })

  test.each([
    ['text/html; charset=utf-8', false],
    ['application/json', false],
    ['application/xml', false],
    ['application/javascript', false],
    ['application/x-www-form-urlencoded', true],
    ['application/octet-stream', true],
    ['application/vnd.api+json', true],
    [undefined, true],
  ])('has the body of type %s in base64: %s', async (type, base64) => {
    const { url, events } = await answering(1)
    await raw(url, 'POST', type === undefined ? [] : [['Content-Type', type]], 'body')
    const body = base64 ? Buffer.from('body').toString('base64') : 'body'
    expect(events[0]).toMatchObject({ body, isBase64Encoded: base64 })
  })

  test('has bytes that are not UTF-8 in base64, for any type', async () => {
    const { url, events } = await answering(1)
    const body = Buffer.from([0xff, 0x00, 0x80])
    await fetch(url, { method: 'POST', headers: { 'content-type': 'text/plain' }, body })
    expect(events[0]).toMatchObject({ body: body.toString('base64'), isBase64Encoded: true })
  })
})

describe('the answer', () => {
  test('has status, headers, cookies and body', async () => {
    const { url } = await answering({
      statusCode: 201,
      headers: { 'X-Number': 7, 'Content-Type': 'text/html', 'Content-Length': 1 },
      cookies: ['a=1; Path=/', 'b=2'],
      body: '漢',
    })
    const response = await fetch(url)
    expect(response.status).toBe(201)
    expect(response.headers.get('x-number')).toBe('7')
    expect(response.headers.get('content-type')).toBe('text/html')
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2'])
    expect(await response.text()).toBe('漢')
  })

  test('has bytes if it is base64', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
    const { url } = await answering({
      statusCode: 200,
      isBase64Encoded: true,
      body: bytes.toString('base64'),
    })
    expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(bytes)
  })

  test.each([
    ['text', 'hello', 'hello'],
    ['an object without a status', { a: [1] }, '{"a":[1]}'],
    ['a list', [1, 2], '[1,2]'],
    ['null', null, 'null'],
    ['a number', 3, '3'],
  ])('is inferred from %s', async (_, value, body) => {
    const { url } = await answering(value)
    const response = await fetch(url)
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'application/json',
      body,
    ])
  })

  test.each([
    ['a status that is none', { statusCode: 'fine' }],
    ['a status out of range', { statusCode: 999 }],
    ['a body that is no text', { statusCode: 200, body: { a: 1 } }],
    ['headers that are a list', { statusCode: 200, headers: ['a'] }],
    ['a header value that is an object', { statusCode: 200, headers: { a: {} } }],
    ['cookies that are no list', { statusCode: 200, cookies: 'a=1' }],
    ['a header that HTTP cannot carry', { statusCode: 200, headers: { 'a b': 'x' } }],
    ['a header value with a line break', { statusCode: 200, headers: { a: 'x\r\ny: z' } }],
  ])('is a 500 for %s', async (_, value) => {
    const { url } = await answering(value)
    const response = await fetch(url)
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }])
  })

  test('to HEAD has no body', async () => {
    const { url } = await answering('hello')
    const response = await fetch(url, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([
      200,
      '5',
      '',
    ])
  })
})

describe('failures', () => {
  test('a failing function is a 500', async () => {
    const { url } = await api(async () => result({ functionError: 'Unhandled', payload: Buffer.from('{}') }))
    const response = await fetch(url)
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }])
  })

  test('a throttled function is a 503', async () => {
    const { url } = await api(async () => {
      throw new TetherError('THROTTLED', 'Rate Exceeded.')
    })
    expect((await fetch(url)).status).toBe(503)
  })

  test('a function slower than 30 s is a 503, and runs on', async () => {
    const clock = new ManualClock()
    let invoked: () => void = () => {}
    const called = new Promise<void>((resolve) => {
      invoked = resolve
    })
    const { url } = await api(
      (_, options) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new TetherError('ABORTED', 'late')))
          invoked()
        }),
      { clock },
    )
    const response = fetch(url)
    await called
    await clock.advance(29_999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect([(await response).status, await (await response).json()]).toEqual([
      503,
      { message: 'Service Unavailable' },
    ])
  })

  test.each([
    [10 * 1024 * 1024, 200],
    [10 * 1024 * 1024 + 1, 413],
  ])('a request of %d bytes is a %d', async (size, status) => {
    const { url } = await answering('ok')
    const response = await fetch(url, { method: 'POST', body: Buffer.alloc(size) })
    expect(response.status).toBe(status)
    await response.arrayBuffer()
  })

  test('a taken port is reported', async () => {
    const { url } = await answering('ok')
    const port = Number(new URL(url).port)
    await expect(
      httpApi({ function: { invoke: async () => result({}) }, port }).then((made) => made.close()),
    ).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining(String(port)) })
  })
})

test('the whole way: HTTP, a Lambda process, and back', async () => {
  const fn = await localFunction(
    lambdaHost(),
    `exports.handler = async (e) => ({ statusCode: 202, body: e.requestContext.http.method + ' ' + e.body })`,
  )
  const { url } = await api((event, options) => fn.invoke(event, options))
  const response = await fetch(url, {
    method: 'PATCH',
    body: '漢',
    headers: { 'content-type': 'text/plain' },
  })
  expect([response.status, await response.text()]).toEqual([202, 'PATCH 漢'])
  // API Gateway's 10 MB pass; Lambda's 6 MB do not.
  const large = await fetch(url, { method: 'POST', body: Buffer.alloc(7_000_000) })
  expect(large.status).toBe(413)
  expect(json({ payload: Buffer.from(await large.arrayBuffer()) })).toEqual({
    message: 'Request Entity Too Large',
  })
})

function raw(
  url: string,
  method: string,
  headers: readonly (readonly [string, string])[],
  body: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const list = headers.flat()
    const call = httpRequest(url, {
      method,
      headers: ['Host', new URL(url).host, ...list, 'Content-Length', String(Buffer.byteLength(body))],
    })
    call.on('response', (response) => response.resume().on('end', resolve))
    call.on('error', reject)
    call.end(body)
  })
}
