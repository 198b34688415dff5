import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endpointRegion } from '../../src/aws/endpoints.js'
import { iotUrl, signIotUrl } from '../../src/transports/iot/url.js'
import { iotRefusal, type KnownIdentity } from '../support/sigv4.js'

const now = Date.UTC(2026, 10, 21, 12, 34, 56, 789)
const region = 'eu-west-1'
const host = 'abc123-ats.iot.eu-west-1.amazonaws.com'
const lasting: KnownIdentity = { accessKeyId: 'AKIALASTING', secretAccessKey: 'secret/+one' }
const temporary: KnownIdentity = {
  accessKeyId: 'ASIATEMPORARY',
  secretAccessKey: 'secret/+two',
  sessionToken: 'token/with+special=characters==',
}

/** Why AWS IoT would refuse a URL, by the independent implementation. */
function refusal(
  signed: string,
  { identity, at = now, where = region }: { identity: KnownIdentity; at?: number; where?: string },
) {
  const { host, pathname, search } = new URL(signed)
  const request = { method: 'GET', url: pathname + search, headers: { host } }
  return iotRefusal(request, { identities: [identity], region: where, now: at })
}

describe('a signed URL', () => {
  test('equals the URL of an independent implementation, for any credentials', async () => {
    const text = fc.string({ minLength: 1, maxLength: 80 })
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[A-Z0-9]{16,32}$/),
        text,
        // Base64, as AWS gives it.
        fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,400}$/), { nil: undefined }),
        fc.constantFrom(`wss://${host}`, 'ws://127.0.0.1:4711', 'wss://localhost:8443'),
        async (accessKeyId, secretAccessKey, sessionToken, endpoint) => {
          const identity = {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken !== undefined && { sessionToken }),
          }
          const url = signIotUrl(iotUrl(endpoint), region, identity, now)
          expect(refusal(url, { identity })).toBeUndefined()
        },
      ),
      { numRuns: 300 },
    )
  })

  test('is for this moment, this region, this host and these credentials', async () => {
    const url = signIotUrl(iotUrl(host), region, temporary, now)
    expect(refusal(url, { identity: temporary })).toBeUndefined()
    expect(refusal(url, { identity: temporary, at: now + 6 * 60_000 })).toMatch(/signed at 20261121T123456Z/)
    expect(refusal(url, { identity: temporary, where: 'eu-west-2' })).toMatch(/scope/)
    expect(refusal(url.replace('abc123', 'abc124'), { identity: temporary })).toBe('signature')
    expect(refusal(url, { identity: { ...temporary, secretAccessKey: 'other' } })).toBe('signature')
    expect(refusal(url, { identity: { ...temporary, sessionToken: 'other' } })).toBe('session token')
    expect(refusal(url, { identity: lasting })).toBe('unknown access key')
    expect(refusal(`${url}&more=1`, { identity: temporary })).toBe('signature')
  })
})

describe('an endpoint', () => {
  test.each([
    [host, `wss://${host}/mqtt`],
    [`wss://${host}`, `wss://${host}/mqtt`],
    ['ws://127.0.0.1:4711', 'ws://127.0.0.1:4711/mqtt'],
    ['ws://127.0.0.1:4711/mqtt?x=y', 'ws://127.0.0.1:4711/mqtt'],
    ['localhost:8443', 'wss://localhost:8443/mqtt'],
  ])('%s is %s', (endpoint, url) => {
    expect(iotUrl(endpoint)).toBe(url)
  })

  test.each([
    [host, 'eu-west-1'],
    ['abc-ats.iot.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['abc.ats.iot.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['abc-ats.iot.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1'],
    ['vpce-1.data.iot.eu-west-1.vpce.amazonaws.com', 'eu-west-1'],
    ['iot.example.com', undefined],
    ['ws://127.0.0.1:4711', undefined],
  ])('%s is in %s', (endpoint, region) => {
    expect(endpointRegion(iotUrl(endpoint), 'iot')).toBe(region)
  })
})
