import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import type { Session } from '../../src/index.js'
import { record } from '../../src/recorder/index.js'
import { readAll, StreamCaller, someCode, streamingExecutor } from '../support/streams.js'
import { stubContext } from '../support/stub-context.js'
import { Inspected } from './inspected.js'

const request = (path: string, body: unknown = { order: 7 }) => ({
  version: '2.0',
  rawPath: path,
  headers: { authorization: 'Bearer secret-of-the-caller', accept: 'text/html' },
  requestContext: { http: { method: 'POST', path } },
  body: JSON.stringify(body),
})

describe('the API of the inspector', () => {
  let inspected: Inspected
  beforeAll(async () => {
    inspected = await Inspected.start({ diagnose: async () => ({ ok: true, checks: [] }) }, (session) =>
      session.serve({
        functions: {
          api: async (event: { rawPath?: string; headers?: object }) => {
            if (event.rawPath === '/fails') throw new TypeError('no such order')
            return { statusCode: 201, echo: event.headers, token: 'secret-of-the-function' }
          },
        },
      }),
    )
    await inspected.invoke(request('/orders'))
    await inspected.invoke(request('/fails')).catch(() => {})
    await inspected.invoke({
      Records: [{ eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:eu-west-1:1:jobs' }],
    })
  })
  afterAll(() => inspected[Symbol.asyncDispose]())

  const list = async (query = '') => (await inspected.api(`/api/invocations${query}`)).json
  const first = async (query: string) => (await list(query)).invocations[0]

  it('reports the status of the session', async () => {
    expect((await inspected.api('/api/status')).json).toMatchObject({
      session: { app: 'shop', stage: 'dev', name: 'default' },
      connection: { state: 'connected' },
      transport: 'memory',
      lanes: [16],
      stats: { invocations: { received: 3, answered: 2, failed: 1 } },
      functions: [
        { functionId: 'api', executor: 'inline', state: 'ready', workers: 0, spares: 0, memoryBytes: 0 },
      ],
      displaced: false,
      discards: [],
      remoteReplay: false,
      diagnose: true,
      cursor: expect.stringMatching(/^[\w-]+-3$/),
    })
  })

  it('lists invocations, newest first, in pages', async () => {
    const all = await list()
    expect(all).toMatchObject({
      invocations: [
        { functionId: 'api', trigger: 'sqs', title: 'jobs', state: 'value', status: 201 },
        { trigger: 'apigw-http', title: 'POST /fails', state: 'error', errorType: 'TypeError' },
        {
          title: 'POST /orders',
          state: 'value',
          status: 201,
          mirrored: false,
          rerun: false,
          replayed: false,
        },
      ],
      more: false,
    })
    const page = await list('?limit=2')
    expect(page.invocations).toEqual(all.invocations.slice(0, 2))
    expect(page.more).toBe(true)
    expect(await list(`?limit=2&cursor=${page.cursor}`)).toMatchObject({
      invocations: all.invocations.slice(2),
      more: false,
    })
  })

  it.each([
    ['?outcome=error', ['POST /fails']],
    ['?q=JOBS', ['jobs']],
    ['?q=such%20order', ['POST /fails']],
    ['?functionId=other', []],
    ['?minDurationMs=60000', []],
    ['?mirrored=true', []],
    ['?replayed=false&outcome=value', ['jobs', 'POST /orders']],
  ])('filters by %s', async (query, titles) => {
    expect((await list(query)).invocations.map(({ title }: { title: string }) => title)).toEqual(titles)
  })

  it.each(['?limit=0', '?limit=501', '?limit=a', '?outcome=good', '?mirrored=1', '?minDurationMs=x'])(
    'refuses %s',
    async (query) => {
      expect(await inspected.api(`/api/invocations${query}`)).toMatchObject({
        status: 400,
        json: { error: { code: 'BAD_REQUEST' } },
      })
    },
  )

  it('shows an invocation with its secrets masked, and on demand without', async () => {
    const { id } = await first('?q=/orders')
    const masked = await inspected.api(`/api/invocations/${id}`)
    expect(masked.json).toMatchObject({
      head: { id },
      context: { functionName: 'app-dev-api' },
      event: { headers: { authorization: expect.stringMatching(/^\[redacted:/), accept: 'text/html' } },
      eventPointers: ['/headers/authorization'],
      outcome: { kind: 'value', value: { token: expect.stringMatching(/^\[redacted:/) } },
      outcomePointers: ['/value/echo/authorization', '/value/token'],
      variables: ['TABLE', 'AWS_REGION'],
      logs: [],
    })
    expect(masked.text).not.toContain('secret-of')
    const revealed = await inspected.api(`/api/invocations/${id}?reveal=1`)
    expect(revealed.json.event).toEqual(request('/orders'))
    expect(revealed.json.outcome.value.token).toBe('secret-of-the-function')
  })

  it('returns events and fixtures as files that nothing opens', async () => {
    const { id } = await first('?q=/orders')
    const inert = {
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    }
    const event = await inspected.api(`/api/invocations/${id}/event`)
    expect(event.headers).toMatchObject({
      ...inert,
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="event-${id}.json"`,
    })
    expect(JSON.parse(event.text)).toEqual(request('/orders'))
    const fixture = await inspected.api(`/api/invocations/${id}/fixture`)
    expect(fixture.headers).toMatchObject({
      ...inert,
      'content-disposition': `attachment; filename="fixture-${id}.json"`,
    })
    expect(fixture.json.headers.authorization).toMatch(/\[redacted:1\]/)
  })

  it('replays an invocation and reports the differences', async () => {
    const { id } = await first('?q=/orders')
    const again = (await inspected.post(`/api/invocations/${id}/replay`)).json
    expect(again).toMatchObject({ diff: { equal: true, changes: [] }, outcome: { kind: 'value' } })
    expect(await inspected.api(`/api/invocations/${again.id}`)).toMatchObject({
      json: { head: { replayed: true } },
    })
  })

  it('replays an edited event with the original of masked values', async () => {
    const { id } = await first('?replayed=false&q=/orders')
    const { event } = (await inspected.api(`/api/invocations/${id}`)).json
    const edited = { ...event, headers: { ...event.headers, accept: 'text/plain' } }
    const { id: replay, diff } = (await inspected.post(`/api/invocations/${id}/replay`, { event: edited }))
      .json
    expect(diff.changes).toEqual([
      { path: '/echo/accept', kind: 'changed', before: 'text/html', after: 'text/plain' },
    ])
    const run = (await inspected.api(`/api/invocations/${replay}?reveal=1`)).json
    expect(run.event.headers).toEqual({ authorization: 'Bearer secret-of-the-caller', accept: 'text/plain' })
  })

  it('replays against the real function only if the host allows it', async () => {
    const { id } = await first('?q=/orders')
    const replay = await inspected.post(`/api/invocations/${id}/replay`, { as: 'remote' })
    expect(replay).toMatchObject({ status: 403, json: { error: { code: 'FORBIDDEN' } } })
    for (const body of [{ as: 'there' }, { evnt: {} }])
      expect((await inspected.post(`/api/invocations/${id}/replay`, body)).status).toBe(400)
  })

  it('diagnoses, reloads, and reports a missing function or invocation', async () => {
    expect((await inspected.post('/api/diagnose')).json).toEqual({ ok: true, checks: [] })
    expect((await inspected.post('/api/functions/api/reload')).json).toMatchObject({
      functionId: 'api',
      state: 'ready',
    })
    expect(await inspected.post('/api/functions/aip/reload')).toMatchObject({
      status: 400,
      json: {
        error: { code: 'INVALID_OPTION', message: expect.stringContaining("'aip', which is not served") },
      },
    })
    expect((await inspected.api('/api/invocations/none')).status).toBe(404)
  })

  it('shows no credentials of the function, not even on demand', async () => {
    const secret = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab'
    const env = { AWS_SECRET_ACCESS_KEY: secret, TABLE: 'orders' }
    const leaking = async () => ({ leaked: secret, table: 'orders' })
    await using other = await Inspected.start({}, (session) => session.serve({ functions: { api: leaking } }))
    await other.tether.stub({ env })({ [secret]: 1, of: `x${secret}` }, stubContext())
    const { id } = (await other.api('/api/invocations')).json.invocations[0]
    for (const path of [
      `/api/invocations/${id}?reveal=1`,
      `/api/invocations/${id}`,
      `/api/invocations/${id}/event`,
    ])
      expect((await other.api(path)).text).not.toContain(secret)
    const { outcome } = (await other.api(`/api/invocations/${id}?reveal=1`)).json
    expect(outcome.value.table).toBe('orders')
    for (const [q, count] of [
      [secret.slice(0, 8), 0],
      ['%22of%22', 1],
    ] as const)
      expect((await other.api(`/api/invocations?q=${q}`)).json.invocations).toHaveLength(count)
    const path = `/${'x'.repeat(170)}/${secret}`
    await other.tether.stub({ env })(request(path), stubContext())
    expect((await other.api('/api/invocations')).text).not.toContain(secret.slice(0, 8))
  })

  it('redacts as its recorder does', async () => {
    await using other = await Inspected.start((session) => ({
      history: record(session, { redact: { keys: ['order'], hook: (data) => ({ ...data, logs: [] }) } }),
    }))
    await other.invoke({ order: 'number 7' })
    const { id } = (await other.api('/api/invocations')).json.invocations[0]
    expect((await other.api(`/api/invocations/${id}`)).json.event.order).toMatch(/^\[redacted:/)
  })

  it('returns a fixture as the hook of its recorder leaves it', async () => {
    await using other = await Inspected.start((session) => ({
      history: record(session, {
        redact: { hook: (data) => ({ ...data, event: { order: 'of the hook' } }) },
      }),
    }))
    await other.invoke({ order: 'number 7' })
    const { id } = (await other.api('/api/invocations')).json.invocations[0]
    expect((await other.api(`/api/invocations/${id}/fixture`)).json).toEqual({ order: 'of the hook' })
  })

  it('shows no data that the hook of its recorder leaves out', async () => {
    await using other = await Inspected.start((session) => ({
      history: record(session, { redact: { hook: () => undefined } }),
    }))
    await other.invoke({ order: 'number 7' })
    const { id } = (await other.api('/api/invocations')).json.invocations[0]
    const { text, json } = await other.api(`/api/invocations/${id}`)
    expect(json.leftOut).toBe(true)
    expect(text).not.toContain('number 7')
    expect((await other.api(`/api/invocations/${id}/fixture`)).status).toBe(404)
  })
})

/** Streams two chunks, which cut a secret in two, and the rest when it is told to. */
function streaming(rest: Promise<string>) {
  async function* body() {
    yield Buffer.from('data: Zq7xT4vB2nM8wK5pL3rD é\n\n')
    yield Buffer.from('data: Zq7xT4vB2n')
    yield Buffer.from(await rest)
  }
  const executor = streamingExecutor(() => ({
    kind: 'stream',
    contentType: 'text/event-stream',
    body: body(),
  }))
  return (session: Session) => session.serve({ executor, functions: { api: someCode } })
}

/** What a tool of agents answers. */
async function toolAnswer(inspected: Inspected, name: string, args: Record<string, unknown> = {}) {
  const client = new Client({ name: 'test', version: '1' })
  const requestInit = { headers: { authorization: `Bearer ${inspected.token}` } }
  const url = new URL(`http://127.0.0.1:${inspected.inspector.port}/mcp`)
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }))
  try {
    // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
    return (await client.callTool({ name, arguments: args })).structuredContent as any
  } finally {
    await client.close()
  }
}

describe('of streams and teams, the API', () => {
  it('shows a response while it streams, and how it was streamed, without its secrets', async () => {
    const rest = deferred<string>()
    await using inspected = await Inspected.start({}, streaming(rest.promise))
    const second = deferred<void>()
    inspected.session.on('chunk', (_, { index }) => index === 1 && second.resolve())
    await using stub = new StreamCaller(inspected.tether)
    const read = stub.stream({ event: { token: 'Zq7xT4vB2nM8wK5pL3rD' } }).then(({ body }) => readAll(body))
    await second.promise
    const { invocations } = (await inspected.api('/api/invocations')).json
    const [{ id }] = invocations
    expect(invocations).toMatchObject([{ state: 'running', streamedBytes: 47 }])

    const open = (await inspected.api(`/api/invocations/${id}`)).json
    expect(open.outcome).toBeUndefined()
    expect(open.stream).toEqual({
      contentType: 'text/event-stream',
      bytes: 47,
      text: expect.stringMatching(/^data: \[redacted:[^\]]+\] é\n\ndata: $/),
      chunks: [
        { atMs: expect.any(Number), bytes: 31 },
        { atMs: expect.any(Number), bytes: 16 },
      ],
    })
    expect(open.timing.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['firstByte', 'streamed']),
    )
    const revealed = (await inspected.api(`/api/invocations/${id}?reveal=1`)).json
    expect(revealed.stream.text).toBe('data: Zq7xT4vB2nM8wK5pL3rD é\n\ndata: ')
    const { stream } = await toolAnswer(inspected, 'get_invocation', { id, maxBytes: 100 })
    expect(stream).toMatchObject({ truncated: true, json: expect.stringContaining('data: [redacted') })

    rest.resolve('M8wK5pL3rD\n\n')
    await read
    const ended = (await inspected.api(`/api/invocations/${id}`)).json
    expect(ended.head).toMatchObject({ state: 'value', streamedBytes: 59 })
    expect(ended.stream.chunks).toHaveLength(3)
    expect(ended.stream.text).toMatch(/^(?:data: \[redacted:[^\]]+\](?: é)?\n\n){2}$/)
    const [firstByte, streamed, answered] = ended.timing.filter(({ name }: { name: string }) =>
      ['firstByte', 'streamed', 'answered'].includes(name),
    )
    expect([streamed.startMs, streamed.endMs]).toEqual([firstByte.startMs, answered.endMs])
  })

  it('masks the function’s own secrets in a partial stream', async () => {
    const env = { AWS_SECRET_ACCESS_KEY: 'Zq7xT4vB2nM8wK5pL3rD' }
    const rest = deferred<string>()
    await using inspected = await Inspected.start({}, streaming(rest.promise))
    const first = deferred<void>()
    inspected.session.on('chunk', () => first.resolve())
    const answered = inspected.tether.stub({ env })({}, stubContext())
    await first.promise
    const { id } = (await inspected.api('/api/invocations')).json.invocations[0]
    for (const query of ['', '?reveal=1']) {
      const { text, json } = await inspected.api(`/api/invocations/${id}${query}`)
      expect(json.stream.text).toMatch(/^data: \[redacted:/)
      expect(text).not.toContain('Zq7xT4vB2nM8wK5pL3rD')
    }
    rest.resolve('')
    await answered
  })

  it('reports the members of the team, their takes and overlaps', async () => {
    const team = ['alice', 'bob']
    const options = { name: 'alice', team, take: { functions: ['api'] } }
    await using inspected = await Inspected.start({}, undefined, options)
    const came = deferred<void>()
    inspected.session.on('team', () => came.resolve())
    await inspected.tether.session({ name: 'bob', team, take: { functions: ['*'] } }).open()
    await came.promise
    await inspected.tether.stub({ team })({ order: 7 }, stubContext())
    const since = expect.stringMatching(/^\d{4}-.*Z$/)
    const both = [
      { name: 'alice', state: 'online', since, own: true, take: { functions: ['api'] }, overlaps: 0 },
      { name: 'bob', state: 'online', since, own: false, take: { functions: ['*'] }, overlaps: 1 },
    ]
    const { json } = await inspected.api('/api/status')
    expect(json.team).toEqual(both)
    expect(json.stats.invocations).toMatchObject({ overlaps: 1, declined: 0 })
    expect(await toolAnswer(inspected, 'status')).toMatchObject({
      team: both,
      invocations: { overlaps: 1, declined: 0 },
    })
  })
})
