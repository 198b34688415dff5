import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MAX_RESPONSE_BYTES } from '../../src/core/payload/response-limit.js'
import {
  RuntimeApi,
  type RuntimeApiHandlers,
  type RuntimeInvocation,
} from '../../src/executors/runtime-api/server.js'

const invocation: RuntimeInvocation = {
  requestId: 'a-request',
  event: Buffer.from('{"n":1}'),
  deadline: 1_800_000_000_123.4,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:fn',
}

async function runtimeApi(handlers: RuntimeApiHandlers = {}) {
  const api = new RuntimeApi(handlers)
  await api.open()
  onTestFinished(() => api.close())
  return { api, call: caller(api.address) }
}

/** Invokes without ever getting an answer. */
function unanswered(api: RuntimeApi, what = invocation): void {
  api.invoke(what).catch(() => {})
}

interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

function caller(address: string) {
  return (method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}) =>
    new Promise<Reply>((resolve, reject) => {
      const call = httpRequest(
        `http://${address}/2018-06-01/runtime/${path}`,
        { method, headers },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          )
        },
      )
      call.on('error', reject)
      call.end(body)
    })
}

describe('invocation/next', () => {
  test('hands out the event as it is, with every header', async () => {
    const { api, call } = await runtimeApi()
    unanswered(api, {
      ...invocation,
      traceId: 'Root=1-1',
      clientContext: '{"a":"漢\\n"}',
      identity: '{"cognitoIdentityId":"i"}',
      tenantId: 't',
    })
    const { status, headers, body } = await call('GET', 'invocation/next')
    expect(status).toBe(200)
    expect(body).toBe('{"n":1}')
    expect(headers).toMatchObject({
      'lambda-runtime-aws-request-id': 'a-request',
      'lambda-runtime-deadline-ms': '1800000000123',
      'lambda-runtime-invoked-function-arn': invocation.functionArn,
      'lambda-runtime-trace-id': 'Root=1-1',
      'lambda-runtime-cognito-identity': '{"cognitoIdentityId":"i"}',
      'lambda-runtime-aws-tenant-id': 't',
    })
    expect(headers['lambda-runtime-invocation-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(JSON.parse(String(headers['lambda-runtime-client-context']))).toEqual({ a: '漢\n' })
  })

  test('omits the headers of absent values', async () => {
    const { api, call } = await runtimeApi()
    unanswered(api)
    const { headers } = await call('GET', 'invocation/next')
    const names = Object.keys(headers).filter((name) => name.startsWith('lambda-runtime-'))
    expect(names.sort()).toEqual([
      'lambda-runtime-aws-request-id',
      'lambda-runtime-deadline-ms',
      'lambda-runtime-invocation-id',
      'lambda-runtime-invoked-function-arn',
    ])
  })

  test('waits until there is one, and reports that it waits', async () => {
    const idle = deferred()
    const { api, call } = await runtimeApi({ onIdle: () => idle.resolve(undefined) })
    const next = call('GET', 'invocation/next')
    await idle.promise
    unanswered(api)
    expect((await next).body).toBe('{"n":1}')
  })

  test('forgets a runtime that stopped waiting', async () => {
    const idle = deferred()
    const { api, call } = await runtimeApi({ onIdle: () => idle.resolve(undefined) })
    const socket = connect(Number(api.address.split(':')[1]), '127.0.0.1')
    socket.write(`GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: ${api.address}\r\n\r\n`)
    await idle.promise
    socket.destroy()
    await api.drained()
    unanswered(api)
    expect((await call('GET', 'invocation/next')).body).toBe('{"n":1}')
  })

  test.each([
    ['in the queue', 'before'],
    ['brought meanwhile', 'after'],
  ])('hands out no invocation, %s, until the output of the last one has been read', async (_, brought) => {
    const [asked, read] = [deferred(), deferred()]
    const { api, call } = await runtimeApi({
      onNext: () => {
        asked.resolve(undefined)
        return read.promise.then(() => {})
      },
    })
    if (brought === 'before') unanswered(api)
    const next = call('GET', 'invocation/next')
    await asked.promise
    if (brought === 'after') unanswered(api)
    expect(api.delivered).toBe(false)
    read.resolve(undefined)
    expect((await next).body).toBe('{"n":1}')
  })

  test('hands one invocation to one of two that ask at once', async () => {
    const read = deferred()
    let asked = 0
    const { api, call } = await runtimeApi({
      onNext: () => {
        if (++asked === 2) read.resolve(undefined)
        return read.promise.then(() => {})
      },
    })
    unanswered(api)
    const replies = await Promise.all([call('GET', 'invocation/next'), call('GET', 'invocation/next')])
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 403])
  })

  test('refuses a runtime that has not answered yet', async () => {
    const { api, call } = await runtimeApi()
    unanswered(api)
    await call('GET', 'invocation/next')
    const { status, body } = await call('GET', 'invocation/next')
    expect(status).toBe(403)
    expect(JSON.parse(body)).toMatchObject({ errorType: 'InvalidStateTransition' })
  })
})

test('a bootstrap gets its details before the event, with their length in a header', async () => {
  const { api, call } = await runtimeApi()
  unanswered(api, { ...invocation, details: Buffer.from('{"more":"漢"}') })
  const { headers, body } = await call('GET', 'invocation/next')
  expect(headers['lambda-tether-details']).toBe('14')
  expect(body).toBe(`{"more":"漢"}${Buffer.from(invocation.event)}`)
})

test('a runtime asks for an invocation whether or not one is there, and may ask for more', async () => {
  let asked = 0
  const { api, call } = await runtimeApi({
    onNext: async () => {
      asked++
    },
    onGet: (path) => (path === '/more' ? Promise.resolve({ more: true }) : undefined),
  })
  unanswered(api)
  expect(api.delivered).toBe(false)
  await call('GET', 'invocation/next')
  expect([asked, api.delivered]).toEqual([1, true])
  const base = `http://${api.address}`
  expect(await (await fetch(`${base}/more`)).json()).toEqual({ more: true })
  expect((await fetch(`${base}/other`)).status).toBe(404)
  expect((await fetch(`${base}/more`, { method: 'POST' })).status).toBe(404)
})

test('a web page that has found the port gets nothing, under any host name', async () => {
  const { api, call } = await runtimeApi()
  unanswered(api)
  for (const headers of [
    { host: 'evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'http://evil.example' },
  ]) {
    expect((await call('GET', 'invocation/next', undefined, headers)).status).toBe(404)
    expect((await call('POST', 'init/error', '{}', headers)).status).toBe(404)
  }
  expect((await call('GET', 'invocation/next')).status).toBe(200)
})

test('below a secret path there is everything, and nothing beside it', async () => {
  const api = new RuntimeApi({ onGet: () => Promise.resolve({ more: true }) }, '/secret')
  await api.open()
  onTestFinished(() => api.close())
  expect(api.address).toMatch(/^127\.0\.0\.1:\d+\/secret$/)
  unanswered(api)
  const beside = `http://${api.address.replace('/secret', '')}`
  for (const path of ['/2018-06-01/runtime/invocation/next', '/more', '/secretx/more', '/secret']) {
    expect((await fetch(beside + path)).status, path).toBe(404)
  }
  expect((await caller(api.address)('GET', 'invocation/next')).body).toBe('{"n":1}')
  expect(await (await fetch(`http://${api.address}/more`)).json()).toEqual({ more: true })
})

test('an id that no header can carry rejects without harm to the next invocation', async () => {
  const { api, call } = await runtimeApi()
  await expect(api.invoke({ ...invocation, requestId: 'a\nb' })).rejects.toThrow(TypeError)
  unanswered(api)
  expect((await call('GET', 'invocation/next')).body).toBe('{"n":1}')
})

describe('invocation/{id}/response and error', () => {
  test('take an answer once', async () => {
    const { api, call } = await runtimeApi()
    const answer = api.invoke(invocation)
    await call('GET', 'invocation/next')
    const response = await call('POST', 'invocation/a-request/response', '"漢"')
    expect(response.status).toBe(202)
    expect(JSON.parse(response.body)).toEqual({ status: 'OK' })
    const got = await answer
    expect(got).toEqual({ kind: 'response', body: Buffer.from('"漢"') })
    const again = await call('POST', 'invocation/a-request/error', '{}')
    expect(again.status).toBe(403)
  })

  test('take an error as Lambda words it', async () => {
    const { api, call } = await runtimeApi()
    const answer = api.invoke(invocation)
    await call('GET', 'invocation/next')
    const body = '{"errorType":"TypeError","errorMessage":"no","trace":["a","b"]}'
    expect((await call('POST', 'invocation/a-request/error', body)).status).toBe(202)
    expect(await answer).toMatchObject({
      kind: 'error',
      error: { errorType: 'TypeError', errorMessage: 'no', trace: ['a', 'b'] },
    })
  })

  test("take a custom runtime's error that is no JSON", async () => {
    const { api, call } = await runtimeApi()
    const answer = api.invoke(invocation)
    await call('GET', 'invocation/next')
    await call('POST', 'invocation/a-request/error', 'broken', {
      'Lambda-Runtime-Function-Error-Type': 'Runtime.Bash',
    })
    expect(await answer).toMatchObject({
      error: { errorType: 'Runtime.Bash', errorMessage: 'broken', trace: [] },
    })
  })

  test('refuse an id that is not the current one', async () => {
    const { api, call } = await runtimeApi()
    const early = await call('POST', 'invocation/a-request/response', '1')
    expect(early.status).toBe(400)
    unanswered(api)
    await call('GET', 'invocation/next')
    const wrong = await call('POST', 'invocation/another/response', '1')
    expect(wrong.status).toBe(400)
    expect(JSON.parse(wrong.body)).toEqual({
      errorType: 'InvalidRequestID',
      errorMessage: 'Invalid request ID',
    })
    expect((await call('POST', 'invocation/a-request/response', '1')).status).toBe(202)
  })

  test.each([0, 1])('take 6 MB and 100 bytes, and %d more not', async (more) => {
    const { api, call } = await runtimeApi()
    const answer = api.invoke(invocation)
    await call('GET', 'invocation/next')
    const size = MAX_RESPONSE_BYTES + more
    const { status } = await call('POST', 'invocation/a-request/response', Buffer.alloc(size, '1'))
    expect(status).toBe(more === 0 ? 202 : 413)
    const got = await answer
    if (got.kind === 'response') expect(got.body.byteLength).toBe(size)
    expect(got.kind).toBe(more === 0 ? 'response' : 'error')
    if (got.kind === 'error') {
      expect(got.error.errorType).toBe('Function.ResponseSizeTooLarge')
      expect(got.error.errorMessage).toBe(
        'Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).',
      )
    }
  })
})

test('init/error reports a runtime that could not start', async () => {
  const failed = deferred<unknown>()
  const { call } = await runtimeApi({ onInitError: ({ error }) => failed.resolve(error) })
  const body = '{"errorType":"Runtime.ImportModuleError","errorMessage":"no","trace":[]}'
  expect((await call('POST', 'init/error', body)).status).toBe(202)
  expect(await failed.promise).toMatchObject({ errorType: 'Runtime.ImportModuleError' })
})

test.each([
  ['GET', 'invocation/a-request/response'],
  ['POST', 'invocation/next'],
  ['GET', 'nothing'],
])('%s %s is not found', async (method, path) => {
  const { call } = await runtimeApi()
  expect((await call(method, path)).status).toBe(404)
})

test('one invocation at a time; the next follows an answer', async () => {
  const { api, call } = await runtimeApi()
  const first = api.invoke(invocation)
  await expect(api.invoke(invocation)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  await call('GET', 'invocation/next')
  await call('POST', 'invocation/a-request/response', '1')
  await first
  const second = api.invoke({ ...invocation, requestId: 'b' })
  expect((await call('GET', 'invocation/next')).headers['lambda-runtime-aws-request-id']).toBe('b')
  await call('POST', 'invocation/b/response', '2')
  expect(await second).toEqual({ kind: 'response', body: Buffer.from('2') })
})

test('close ends waiting invocations, and is idempotent', async () => {
  const { api, call } = await runtimeApi()
  const answer = api.invoke(invocation)
  await call('GET', 'invocation/next')
  await Promise.all([api.close(), expect(answer).rejects.toMatchObject({ code: 'CLOSED' })])
  await api.close()
  await expect(api.invoke(invocation)).rejects.toMatchObject({ code: 'CLOSED' })
})

function deferred<T = unknown>() {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((r) => {
    resolve = r
  })
  return { promise, resolve }
}
