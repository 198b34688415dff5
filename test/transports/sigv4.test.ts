import { SignatureV4 } from '@smithy/signature-v4'
import { AwsV4Signer } from 'aws4fetch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AwsCredentials, signedHeaders, signingTime } from '../../src/aws/sigv4-sign.js'
import { connectUrl, postUrl } from '../../src/transports/api-gateway/url.js'
import { NodeSha256 } from '../local/signed-url.js'

const region = 'eu-west-1'
const service = 'execute-api'
const HOST = 'wss://abc123.execute-api.eu-west-1.amazonaws.com/dev'

const anyCredentials = fc
  .record({
    accessKeyId: fc.stringMatching(/^[A-Z0-9]{16,32}$/),
    secretAccessKey: fc.string({ minLength: 1, maxLength: 80 }),
    sessionToken: fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,400}$/), { nil: undefined }),
  })
  .map(({ sessionToken, ...rest }): AwsCredentials => ({ ...rest, ...(sessionToken && { sessionToken }) }))
const anyTime = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2090, 0) })
const anyName = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 })
const anyEndpoint = fc.constantFrom(
  HOST,
  'ws://127.0.0.1:4711/dev',
  'wss://tether.example.com',
  'wss://x.example.com/a b/c',
)

/** What AWS's own library signs the same request with. */
async function theirs(
  { method, url, body = '' }: { method: string; url: URL; body?: string },
  at: number,
  credentials: AwsCredentials,
): Promise<string | undefined> {
  const signer = new SignatureV4({ credentials, region, service, sha256: NodeSha256, applyChecksum: false })
  const request = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(
      [...url.search.matchAll(/[?&]([^=]+)=([^&]*)/g)].map(([, name, value]) => [
        name!,
        decodeURIComponent(value!),
      ]),
    ),
    headers: { host: url.host },
    body,
  }
  const signed = await signer.sign(request, { signingDate: new Date(at) })
  return signed.headers.authorization
}

describe('signed headers', () => {
  test('of a connect are those of AWS’s own library, whoever connects', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEndpoint,
        anyName,
        anyCredentials,
        anyTime,
        async (endpoint, name, credentials, at) => {
          const self = { app: `${name}1`, stage: 'dev & co', role: 'session', name } as const
          const url = connectUrl(endpoint, self, { session: 'x=/y', epoch: 7 })
          const request = { method: 'GET', url } as const
          const headers = signedHeaders(request, { time: signingTime(at), region, service }, credentials)
          expect(headers.authorization).toBe(await theirs(request, at, credentials))
          expect(headers['x-amz-security-token']).toBe(credentials.sessionToken)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('of a post are those of AWS’s own library, and of aws4fetch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[A-Za-z0-9_-]{8,15}=?$/),
        fc.string({ unit: 'binary', maxLength: 100 }),
        anyCredentials,
        anyTime,
        async (connectionId, body, credentials, at) => {
          const url = postUrl('https://abc123.execute-api.eu-west-1.amazonaws.com/dev', connectionId)
          const time = signingTime(at)
          const request = { method: 'POST', url, body } as const
          const headers = signedHeaders(request, { time, region, service }, credentials)
          expect(headers.authorization).toBe(await theirs(request, at, credentials))
          const signer = new AwsV4Signer({
            ...credentials,
            method: 'POST',
            url: url.href,
            body,
            region,
            service,
            datetime: time,
          })
          expect(headers.authorization).toBe((await signer.sign()).headers.get('authorization'))
        },
      ),
      { numRuns: 200 },
    )
  })
})
