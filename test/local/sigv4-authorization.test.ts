import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type AuthorizedRequest, verifyAuthorization } from '../../src/aws/verify-headers.js'
import { SIGNERS, type Signer, smithy } from '../support/signers.js'

const identity = { accessKeyId: 'AKIAONE', secretAccessKey: 'one', sessionToken: 'to/k+en==' }
const now = Date.UTC(2026, 10, 21, 9, 5)
const scope = { region: 'eu-west-1', service: 'lambda', identities: [identity], times: [now] }

interface Signing {
  readonly method?: string
  readonly url?: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly service?: string
  readonly region?: string
  readonly signer?: Signer
}

async function signed({ url: text, signer = smithy, ...more }: Signing = {}): Promise<AuthorizedRequest> {
  const url = new URL(text ?? 'http://127.0.0.1:1/a')
  const request = { method: 'POST', service: 'lambda', region: 'eu-west-1', ...more, url }
  const headers = await signer.headers({ ...request, at: now, credentials: identity })
  return {
    method: request.method,
    url: url.pathname + url.search,
    headers: { ...headers, host: url.host },
    body: Buffer.from(more.body ?? ''),
  }
}

describe('a signature in the headers', () => {
  test.each([
    ['a bare request', {}],
    ['a body', { body: '{"漢":1}' }],
    ['a query in any order', { url: 'http://127.0.0.1:1/a?b=2&a=%20%2B%27*()&a=1&c' }],
    ['a path of encoded parts', { url: 'http://127.0.0.1:1/x/arn%3Aaws%3Alambda/@y/%E6%BC%A2=/' }],
    ['a hash of the body', { body: 'x', headers: { 'x-amz-content-sha256': hash('x') } }],
  ])('fits %s, by every signer', async (_, signing) => {
    for (const signer of SIGNERS) {
      expect(verifyAuthorization(await signed({ ...signing, signer }), scope), signer.name).toEqual({
        identity,
      })
    }
  })

  const mismatch = { type: 'InvalidSignatureException', message: expect.stringContaining('does not match') }

  test.each<[string, (request: AuthorizedRequest) => Partial<AuthorizedRequest>]>([
    ['body', () => ({ body: Buffer.from('other') })],
    ['method', () => ({ method: 'PUT' })],
    ['path', () => ({ url: '/b' })],
    ['query', () => ({ url: '/a?more=1' })],
    ['signed header', ({ headers }) => ({ headers: { ...headers, host: 'other' } })],
    ['header that should have been signed', ({ headers }) => ({ headers: { ...headers, 'x-amz-new': '1' } })],
  ])('does not fit another %s', async (_, change) => {
    const request = await signed()
    expect(verifyAuthorization({ ...request, ...change(request) }, scope)).toEqual({ fault: mismatch })
  })

  test('does not fit a body with another hash, though that was signed', async () => {
    const request = await signed({ headers: { 'x-amz-content-sha256': hash('one') } })
    expect(verifyAuthorization({ ...request, body: Buffer.from('two') }, scope)).toEqual({ fault: mismatch })
  })

  test.each([
    ['another region', { region: 'us-east-1' }],
    ['another service', { service: 's3' }],
  ])('reports the expected scope for %s', async (_, signing) => {
    expect(verifyAuthorization(await signed(signing), scope)).toEqual({
      fault: {
        type: 'InvalidSignatureException',
        message: expect.stringContaining("'20261121/eu-west-1/lambda/aws4_request'"),
      },
    })
  })

  test.each([
    ['five minutes before', [now - 300_000], true],
    ['five minutes after', [now + 300_000], true],
    ['later than that', [now - 300_001], false],
    ['one of two times', [now - 999_999, now], true],
  ])('holds at %s: %j', async (_, times, holds) => {
    expect('identity' in verifyAuthorization(await signed(), { ...scope, times })).toBe(holds)
  })

  test.each([
    ['nothing', undefined, 'MissingAuthenticationTokenException'],
    ['something else', 'Bearer x', 'IncompleteSignatureException'],
    ['half of it', 'AWS4-HMAC-SHA256 Credential=AKIAONE/20261121', 'IncompleteSignatureException'],
  ])('is %s', async (_, authorization, type) => {
    const { authorization: _signed, ...headers } = (await signed()).headers
    const request = { ...(await signed()), headers: authorization ? { ...headers, authorization } : headers }
    expect(verifyAuthorization(request, scope)).toMatchObject({ fault: { type } })
  })

  test('has a time and a token', async () => {
    const request = await signed()
    const without = (name: string) => ({ ...request, headers: { ...request.headers, [name]: undefined } })
    expect(verifyAuthorization(without('x-amz-date'), scope)).toMatchObject({
      fault: { type: 'IncompleteSignatureException' },
    })
    expect(verifyAuthorization(without('x-amz-security-token'), scope)).toMatchObject({
      fault: { type: 'UnrecognizedClientException' },
    })
  })
})

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
