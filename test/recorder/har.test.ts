import { expect, it } from 'vitest'
import { type InvocationRecord, toHar } from '../../src/recorder/index.js'
import { recordOf } from './record-of.js'

// biome-ignore lint/suspicious/noExplicitAny: HAR's types are not installed
const entries = (...records: InvocationRecord[]) => (toHar(records) as any).log.entries

it('an HTTP API’s request and response are an entry', () => {
  const event = {
    version: '2.0',
    rawPath: '/orders',
    rawQueryString: 'page=2&tag=a&tag=b%20c&token=hidden-1',
    cookies: ['theme=dark'],
    headers: { host: 'api.example.com', 'content-type': 'application/json', authorization: 'hidden-2' },
    requestContext: { http: { method: 'POST', path: '/orders', protocol: 'HTTP/1.1' }, domainName: 'd' },
    body: '{"id":7}',
    isBase64Encoded: false,
  }
  const response = {
    statusCode: 201,
    headers: { 'content-type': 'text/plain', location: '/orders/7' },
    body: 'created',
  }
  const record = recordOf(event, response)
  expect(toHar([record, recordOf({ order: 1 })])).toEqual({
    log: { version: '1.2', creator: { name: 'lambda-tether', version: '1' }, entries: entries(record) },
  })
  const [entry, ...others] = entries(record)
  expect(others).toEqual([])
  expect(JSON.stringify(entry)).not.toContain('hidden')
  expect(entry).toMatchObject({
    startedDateTime: '2026-11-30T07:00:00.123Z',
    time: 4,
    timings: { send: 0, wait: 4, receive: 0 },
    cache: {},
    request: {
      method: 'POST',
      url: expect.stringMatching(
        /^https:\/\/api\.example\.com\/orders\?page=2&tag=a&tag=b%20c&token=%5Bredacted/,
      ),
      httpVersion: 'HTTP/1.1',
      headers: [
        { name: 'host', value: 'api.example.com' },
        { name: 'content-type', value: 'application/json' },
        { name: 'authorization', value: expect.stringMatching(/^\[redacted:\d\]$/) },
      ],
      queryString: expect.arrayContaining([{ name: 'tag', value: 'b c' }]),
      bodySize: 8,
      postData: { mimeType: 'application/json', text: '{"id":7}' },
    },
    response: {
      status: 201,
      statusText: 'Created',
      redirectURL: '/orders/7',
      content: { size: 7, mimeType: 'text/plain', text: 'created' },
    },
    _tether: {
      id: record.id,
      functionId: 'api',
      trigger: 'apigw-http',
      redacted: ['/event/rawQueryString', '/event/cookies/0', '/event/headers/authorization'],
    },
  })
})

it('lists of headers and of parameters are entries each', () => {
  const [{ request, response }] = entries(
    recordOf(
      {
        httpMethod: 'GET',
        path: '/a',
        multiValueHeaders: { accept: ['x', 'y'] },
        multiValueQueryStringParameters: { tag: ['a', 'b'] },
        requestContext: { elb: {}, domainName: 'alb.example.com' },
      },
      { statusCode: 200, multiValueHeaders: { vary: ['a', 'b'] } },
    ),
  )
  expect(request.headers).toEqual([
    { name: 'accept', value: 'x' },
    { name: 'accept', value: 'y' },
  ])
  expect(request.url).toBe('https://alb.example.com/a?tag=a&tag=b')
  expect(request.postData).toBeUndefined()
  expect(response.headers).toHaveLength(2)
  expect(response.content).toEqual({ size: 0, mimeType: '' })
})

it('binary bodies are base64', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x00]).toString('base64')
  const [{ request, response }] = entries(
    recordOf(
      {
        httpMethod: 'POST',
        path: '/',
        requestContext: {},
        headers: { 'content-type': 'image/png' },
        body: bytes,
        isBase64Encoded: true,
      },
      { statusCode: 200, body: bytes, isBase64Encoded: true },
    ),
  )
  expect(request.postData).toEqual({ mimeType: 'image/png', text: bytes, _encoding: 'base64' })
  expect(response.content).toEqual({ size: 3, mimeType: '', text: bytes, encoding: 'base64' })
})

it.each([
  ['a value that is no response', { value: { id: 7 } }, 200],
  ['a failure', { kind: 'error', error: { errorType: 'E', errorMessage: 'm', trace: [] } }, 500],
  ['none yet', undefined, 0],
])('of %s the caller saw a status', (_, outcome, status) => {
  const event = { version: '2.0', rawPath: '/', requestContext: { http: { method: 'GET' } } }
  const record = recordOf(event, { id: 7 }, status === 200 ? {} : { outcome: outcome as never })
  const [{ response }] = entries(record)
  expect(response.status).toBe(status)
  if (status === 200) expect(response.content.text).toBe('{"id":7}')
})
