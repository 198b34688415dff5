// What we sign, two independent implementations sign in the same way.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { presignedUrl } from '../../src/aws/presign.js'
import { encodeQuery, percentEncode } from '../../src/aws/query.js'
import { signedHeaders } from '../../src/aws/sign-headers.js'
import { signingTime, UNSIGNED_PAYLOAD } from '../../src/aws/signature.js'
import { connectUrl, postUrl } from '../../src/transports/api-gateway/url.js'
import { iotUrl, signIotUrl } from '../../src/transports/iot/url.js'
import type { SigningIdentity } from '../../src/transports/iot.js'
import { aws4, SIGNERS, type SignableRequest, smithy } from '../support/signers.js'

const region = 'eu-west-1'
const HOST = 'wss://abc123.execute-api.eu-west-1.amazonaws.com/dev'

// Without a comma, which aws4's cache of keys takes for its own.
const anySecret = fc.string({ minLength: 1, maxLength: 80 }).map((text) => text.replaceAll(',', ';'))
const anyCredentials = fc
  .record({
    accessKeyId: fc.stringMatching(/^[A-Z0-9]{16,32}$/),
    secretAccessKey: anySecret,
    sessionToken: fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,400}$/), { nil: undefined }),
  })
  .map(({ sessionToken, ...rest }): SigningIdentity => ({ ...rest, ...(sessionToken && { sessionToken }) }))
const anyTime = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2090, 0) })
const anyName = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 })
const anyEndpoint = fc.constantFrom(HOST, 'ws://127.0.0.1:4711/dev', 'wss://tether.example.com')

/** What we sign of a request, as both others see it. */
function ours({ service, at, credentials, ...request }: SignableRequest): Record<string, string> {
  return signedHeaders(request, { time: signingTime(at), region, service }, credentials)
}

const parameters = (url: URL) => Object.fromEntries(url.searchParams)

describe.each(SIGNERS)('signed headers equal the headers of $name', (signer) => {
  const check = async (request: SignableRequest) => {
    const { authorization, ...others } = await signer.headers(request)
    expect(ours(request)).toMatchObject({ authorization })
    expect(ours(request)['x-amz-date']).toBe(others['x-amz-date'])
    expect(ours(request)['x-amz-security-token']).toBe(others['x-amz-security-token'])
  }

  test('for a connect of any endpoint', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEndpoint,
        anyName,
        anyCredentials,
        anyTime,
        async (endpoint, name, credentials, at) => {
          const self = { app: `${name}1`, stage: 'dev & co', role: 'session', name } as const
          const url = connectUrl(endpoint, self, { session: 'x=/y', epoch: 7, at, sig: '-_' })
          await check({ service: 'execute-api', region, at, credentials, method: 'GET', url })
        },
      ),
      { numRuns: 100 },
    )
  })

  test('for a post', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[A-Za-z0-9_-]{8,15}=?$/),
        fc.string({ unit: 'binary', maxLength: 100 }),
        anyCredentials,
        anyTime,
        async (connectionId, body, credentials, at) => {
          const url = postUrl('https://abc123.execute-api.eu-west-1.amazonaws.com/dev', connectionId)
          await check({ service: 'execute-api', region, at, credentials, method: 'POST', url, body })
        },
      ),
      { numRuns: 100 },
    )
  })

  test('for additional headers, as DynamoDB requires', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), anyCredentials, anyTime, async (body, credentials, at) => {
        const url = new URL('https://dynamodb.eu-west-1.amazonaws.com/')
        const headers = {
          'x-amz-target': 'DynamoDB_20120810.PutItem',
          'content-type': 'application/x-amz-json-1.0',
        }
        await check({ service: 'dynamodb', region, at, credentials, method: 'POST', url, headers, body })
      }),
      { numRuns: 100 },
    )
  })

  test('for any query, sorted by names and then by values', async () => {
    const anyPart = fc.stringMatching(/^[-a-c0-2=& _.~!'()*+/%é]{1,4}$/)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyPart, anyPart), { maxLength: 6 }), async (pairs) => {
        const url = new URL('https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions')
        url.search = encodeQuery(pairs)
        const credentials = { accessKeyId: 'AKIAONE', secretAccessKey: 'one' }
        await check({ service: 'lambda', region, at: 0, credentials, method: 'GET', url })
      }),
      { numRuns: 200 },
    )
  })
})

describe('a presigned URL', () => {
  test.each(SIGNERS)('of an object equals the URL of $name', async (signer) => {
    await fc.assert(
      fc.asyncProperty(
        anyName,
        fc.option(fc.integer({ min: 0, max: 5e9 }), { nil: undefined }),
        fc.integer({ min: 1, max: 604_800 }),
        anyCredentials,
        anyTime,
        async (key, bytes, expiresSeconds, credentials, at) => {
          const url = new URL(`https://bucket.s3.eu-west-1.amazonaws.com/a/${percentEncode(`${key}-`)}`)
          const length = bytes === undefined ? {} : { 'content-length': String(bytes) }
          const method = bytes === undefined ? 'GET' : 'PUT'
          const { sessionToken } = credentials
          const token =
            sessionToken === undefined ? '' : `&X-Amz-Security-Token=${percentEncode(sessionToken)}`
          const signed = presignedUrl(
            {
              method,
              url,
              headers: Object.entries({ ...length, host: url.host }),
              payloadHash: UNSIGNED_PAYLOAD,
              more: `&X-Amz-Expires=${expiresSeconds}${token}`,
            },
            { time: signingTime(at), region, service: 's3' },
            credentials,
          )
          const theirs = await signer.url({
            ...{ service: 's3', region, at, credentials, method, url, headers: length, expiresSeconds },
          })
          expect(parameters(new URL(signed))).toEqual(parameters(theirs))
        },
      ),
      { numRuns: 100 },
    )
  })

  test('of AWS IoT equals the URL of aws4, with the session token appended after signing', async () => {
    await fc.assert(
      fc.asyncProperty(anyCredentials, anyTime, async (credentials, at) => {
        const endpoint = iotUrl('abc123-ats.iot.eu-west-1.amazonaws.com')
        const { sessionToken, ...lasting } = credentials
        const theirs = await aws4.url({
          service: 'iotdevicegateway',
          region,
          at,
          credentials: lasting,
          method: 'GET',
          url: new URL(endpoint),
        })
        const signed = new URL(signIotUrl(endpoint, region, credentials, at))
        const { 'X-Amz-Security-Token': token, ...rest } = parameters(signed)
        expect(rest).toEqual(parameters(theirs))
        expect(token).toBe(sessionToken)
      }),
      { numRuns: 100 },
    )
  })

  test('of any service equals the URL of AWS’s own library, which always sets an expiry', async () => {
    await fc.assert(
      fc.asyncProperty(anyCredentials, anyTime, async ({ sessionToken: _, ...credentials }, at) => {
        const url = new URL(iotUrl('ws://127.0.0.1:4711'))
        const service = 'iotdevicegateway'
        const request = { service, region, at, credentials, method: 'GET', url, expiresSeconds: 60 }
        const signed = presignedUrl(
          {
            method: 'GET',
            url,
            headers: [['host', url.host]],
            payloadHash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
            more: '&X-Amz-Expires=60',
          },
          { time: signingTime(at), region, service },
          credentials,
        )
        expect(parameters(new URL(signed))).toEqual(parameters(await smithy.url(request)))
      }),
      { numRuns: 100 },
    )
  })
})
