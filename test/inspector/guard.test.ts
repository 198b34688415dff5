import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, Inspected } from './inspected.js'

describe('the guard of the inspector', () => {
  let inspected: Inspected
  let other: Inspected
  beforeAll(async () => {
    inspected = await Inspected.start()
    other = await Inspected.start()
    await inspected.invoke({ order: 7 })
  })
  afterAll(async () => {
    await inspected[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })

  const cookie = (of = inspected, token = of.token) => `lambda-tether-${of.inspector.port}=${token}`
  const host = (name: string) => `${name}:${inspected.inspector.port}`
  const json = { 'content-type': 'application/json' }

  it('listens on 127.0.0.1 alone', () => {
    expect(inspected.inspector.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/)
    expect(inspected.token).not.toBe(other.token)
  })

  it.each(['127.0.0.1', 'localhost', 'shop.localhost'])('answers to the name %s', async (name) => {
    expect(await inspected.api('/api/status', { headers: { host: host(name) } })).toMatchObject({
      status: 200,
    })
  })

  it.each([
    ['a name that was made to resolve here', () => host('evil.test')],
    ['a name that ends as ours', () => host('evil-localhost')],
    ['a name that begins as ours', () => host('127.0.0.1.evil.test')],
    ['another port', () => '127.0.0.1:1'],
    ['no port', () => '127.0.0.1'],
    ['an address that is not listened on', () => host('[::1]')],
    ['a name with a user', () => host('evil.test@127.0.0.1')],
  ])('refuses %s', async (_name, name) => {
    for (const path of ['/api/status', '/', `/?token=${inspected.token}`])
      expect((await inspected.api(path, { headers: { host: name() } })).status).toBe(403)
  })

  it('exchanges the token of an address for a cookie of its port, and takes it out of the address', async () => {
    const { status, headers } = await inspected.raw(`/?token=${inspected.token}`)
    expect(status).toBe(303)
    expect(headers.location).toBe('/')
    expect(headers['set-cookie']).toEqual([`${cookie()}; HttpOnly; SameSite=Strict; Path=/`])
    const deep = await inspected.raw(`/i/abc?token=${inspected.token}`)
    expect(deep.headers.location).toBe('/i/abc')
    expect((await inspected.raw('/api/status', { headers: { cookie: cookie() } })).status).toBe(200)
    expect((await inspected.raw('/api/status', { headers: { cookie: `a=b; ${cookie()}` } })).status).toBe(200)
  })

  it.each<[string, () => Ask & { path?: string }]>([
    ['nothing', () => ({})],
    ['a stale token as bearer', () => ({ headers: { authorization: `Bearer ${other.token}` } })],
    ['a stale token as cookie', () => ({ headers: { cookie: cookie(inspected, other.token) } })],
    ["another port's cookie", () => ({ headers: { cookie: cookie(other) } })],
    ['the token under another name', () => ({ headers: { cookie: `token=${inspected.token}` } })],
    ['a part of the token', () => ({ headers: { authorization: `Bearer ${inspected.token.slice(1)}` } })],
    ['an empty bearer', () => ({ headers: { authorization: 'Bearer ', cookie: '' } })],
    ['a stale token in the address', () => ({ path: `/?token=${other.token}` })],
    ['the token in the address of the API', () => ({ path: `/api/status?token=${inspected.token}` })],
  ])('refuses %s', async (_name, ask) => {
    const { path = '/api/status', ...rest } = ask()
    const { status, headers, text } = await inspected.raw(path, rest)
    expect(status).toBe(401)
    expect(headers['set-cookie']).toBeUndefined()
    expect(text).not.toContain(inspected.token)
  })

  it.each(['/', '/i/abc', '/app.js', '/api/invocations', '/api/stream'])(
    'asks for the token at %s',
    async (path) => {
      expect((await inspected.raw(path)).status).toBe(401)
    },
  )

  // Only root may start processes of other users.
  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'refuses another user of this machine, even with the token (needs root)',
    async () => {
      const source = `const { url, token } = JSON.parse(process.argv[1])
        const answer = await fetch(url, { headers: { authorization: 'Bearer ' + token } }); console.log(answer.status)`
      const given = { url: `http://${host('127.0.0.1')}/api/status`, token: inspected.token }
      const statusFor = async (uid: number) => {
        const options = { uid, cwd: '/', env: {} }
        const args = ['--input-type=module', '-e', source, JSON.stringify(given)]
        return (await promisify(execFile)(process.execPath, args, options)).stdout.trim()
      }
      expect(await Promise.all([statusFor(65_534), statusFor(0)])).toEqual(['403', '200'])
    },
  )

  it('sends headers by which no page can read, frame or sniff anything, refusals included', async () => {
    for (const answer of [
      await inspected.api('/api/status'),
      await inspected.raw('/api/status'),
      await inspected.raw(`/?token=${inspected.token}`),
      await inspected.api('/nothing'),
    ]) {
      expect(answer.headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      })
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('answers no preflight', async () => {
    const headers = { origin: 'http://evil.test', 'access-control-request-method': 'POST' }
    expect((await inspected.api('/api/diagnose', { method: 'OPTIONS', headers })).status).toBe(405)
    expect(await inspected.api('/api/diagnose', { method: 'OPTIONS' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, POST' },
    })
  })

  it.each([
    ['a form of another site', { origin: 'http://evil.test', 'sec-fetch-site': 'cross-site' }],
    ['a page on another port', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['a page without an origin', { origin: 'null' }],
    ['a browser that says it is another site', { 'sec-fetch-site': 'cross-site' }],
    ['a browser that says it is another port', { 'sec-fetch-site': 'same-site' }],
  ])('refuses %s', async (_name, headers) => {
    const asks: [string, Ask][] = [
      ['/api/functions/api/reload', { method: 'POST', headers: { cookie: cookie(), ...json, ...headers } }],
      ['/api/invocations', { headers: { cookie: cookie(), ...headers } }],
      ['/mcp', { method: 'POST', headers: { cookie: cookie(), ...json, ...headers } }],
    ]
    for (const [path, ask] of asks) expect((await inspected.raw(path, ask)).status).toBe(403)
  })

  it('takes a visit from another page with the token, and its own requests', async () => {
    const visit = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    expect((await inspected.raw(`/?token=${inspected.token}`, { headers: visit })).status).toBe(303)
    const frame = { ...visit, 'sec-fetch-dest': 'iframe' }
    expect((await inspected.raw(`/?token=${inspected.token}`, { headers: frame })).status).toBe(403)
    expect((await inspected.raw('/api/status', { headers: { cookie: cookie(), ...visit } })).status).toBe(403)
    const own = { origin: `http://${host('127.0.0.1')}`, 'sec-fetch-site': 'same-origin', cookie: cookie() }
    expect((await inspected.raw('/api/status', { headers: own })).status).toBe(200)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])(
    'refuses a POST of type %j',
    async (type) => {
      const headers = type === '' ? {} : { 'content-type': type }
      const answer = await inspected.api('/api/functions/api/reload', { method: 'POST', headers, body: '{}' })
      expect(answer).toMatchObject({ status: 415, json: { error: { code: 'UNSUPPORTED_MEDIA_TYPE' } } })
    },
  )

  it('changes nothing by GET', async () => {
    expect((await inspected.api('/api/functions/api/reload')).status).toBe(405)
    expect((await inspected.api('/api/diagnose')).status).toBe(405)
    expect((await inspected.api('/api/status', { method: 'DELETE' })).status).toBe(405)
  })

  it('refuses a body that is too large, or no object', async () => {
    const replay = async (body: string) => {
      const { id } = (await inspected.api('/api/invocations')).json.invocations[0]
      return inspected.api(`/api/invocations/${id}/replay`, { method: 'POST', headers: json, body })
    }
    expect(await replay(`{"event":"${'x'.repeat(8 * 1024 * 1024)}"}`)).toMatchObject({ status: 413 })
    for (const body of ['{', '[]', '5', '"text"']) expect((await replay(body)).status).toBe(400)
  })

  it('serves nothing but the paths that it names', async () => {
    const paths = [
      '/../package.json',
      '/%2e%2e/package.json',
      '/app.js/x',
      '/index.html',
      '/i/a/b',
      '/api',
      '/i/a%2fb',
    ]
    for (const path of paths) expect((await inspected.api(path)).status).toBe(404)
    for (const path of ['//evil.test/', '/\\evil.test/']) {
      const answer = await inspected.api(`${path}?token=${inspected.token}`)
      expect(answer.status).toBe(400)
      expect(answer.headers.location).toBeUndefined()
    }
  })
})
