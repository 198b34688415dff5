import { PutBucketLifecycleConfigurationCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { S3Bucket } from '../../src/local/s3/bucket.js'
import { installS3LifecycleRule, s3, s3LifecycleRule } from '../../src/stores/s3.js'
import { freePort } from '../support/free-port.js'
import { type RadosgwAddress, radosgw } from '../support/radosgw.js'
import { RADOSGW_START_MS, sharedRadosgw } from '../support/radosgw-shared.js'
import { s3Request } from '../support/s3-request.js'
import { addressOf, bucketName, LOCAL_CREDENTIALS, startLocalS3 } from '../support/s3-subjects.js'

const DAY_MS = 86_400_000
const servers: [name: string, available: boolean, start: () => Promise<RadosgwAddress>][] = [
  ['the local endpoint', true, () => startLocalS3()],
  ['a real server (needs radosgw)', radosgw, sharedRadosgw],
]

describe.each(servers)('installS3LifecycleRule on %s', (_, available, start) => {
  describe.skipIf(!available)('with its own bucket', () => {
    let server: RadosgwAddress

    beforeAll(async () => {
      server = await start()
    }, RADOSGW_START_MS)

    async function newBucket(): Promise<string> {
      const bucket = bucketName()
      await s3Request(server, { method: 'PUT', path: `/${bucket}` })
      return bucket
    }
    const rules = async (bucket: string) => {
      const { text } = await s3Request(server, { path: `/${bucket}`, query: { lifecycle: '' } })
      return [...text.matchAll(/<Rule>.*?<\/Rule>/gs)].map(([rule]) => rule)
    }

    test('adds the rule once', async () => {
      const bucket = await newBucket()
      const options = { ...addressOf(server), bucket, prefix: 'some&where/' }
      expect(await installS3LifecycleRule(options)).toBe(true)
      const [rule = '', ...others] = await rules(bucket)
      expect(others).toEqual([])
      expect(rule).toContain(`<ID>${s3LifecycleRule(options).ID}</ID>`)
      expect(rule).toContain('<Prefix>some&amp;where/</Prefix>')
      expect(rule).toMatch(/<Expiration>\s*<Days>1<\/Days>/)
      expect(rule).toContain('<Status>Enabled</Status>')
      expect(await installS3LifecycleRule(options)).toBe(false)
      expect(await installS3LifecycleRule({ ...options, prefix: 'other/' })).toBe(true)
      expect(await rules(bucket)).toHaveLength(2)
    })

    test('keeps the other rules, and repairs its own', async () => {
      const bucket = await newBucket()
      const { endpoint, region, credentials } = server
      const client = new S3Client({
        endpoint,
        region,
        credentials,
        requestChecksumCalculation: 'WHEN_REQUIRED',
      })
      onTestFinished(() => client.destroy())
      const own = s3LifecycleRule({ bucket })
      const put = new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: {
          Rules: [
            { ID: 'theirs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 30 } },
            { ...own, Status: 'Disabled' },
          ],
        },
      })
      await client.send(put)
      expect(await installS3LifecycleRule({ ...addressOf(server), bucket })).toBe(true)
      const after = await rules(bucket)
      expect(after).toHaveLength(2)
      const theirs = after.find((rule) => rule.includes('<ID>theirs</ID>'))
      expect(theirs).toMatch(/<Prefix>logs\/<\/Prefix>/)
      expect(theirs).toMatch(/<Days>30<\/Days>/)
      expect(after.find((rule) => rule.includes(own.ID))).toContain('<Status>Enabled</Status>')
    })

    test('reports that the bucket is gone, or access denied', async () => {
      await expect(
        installS3LifecycleRule({ ...addressOf(server), bucket: bucketName() }),
      ).rejects.toMatchObject({
        code: 'STORE_FAILED',
        details: { operation: 'lifecycle', reason: 'bucket-missing', status: 404, code: 'NoSuchBucket' },
      })
      const credentials = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' }
      const bucket = await newBucket()
      await expect(
        installS3LifecycleRule({ ...addressOf(server), bucket, credentials }),
      ).rejects.toMatchObject({
        code: 'STORE_FAILED',
        details: { operation: 'lifecycle', reason: 'access-denied' },
      })
    })
  })
})

describe('installS3LifecycleRule', () => {
  test('expires leftover payloads, and nothing else', async () => {
    const server = await startLocalS3()
    onTestFinished(() => server.close())
    const bucket = new S3Bucket(bucketName(), { clock: server.clock, region: 'us-east-1' })
    server.buckets.set(bucket.name, bucket)
    await installS3LifecycleRule({ ...addressOf(server), bucket: bucket.name })
    await s3({ ...addressOf(server), bucket: bucket.name }).put('left', new Uint8Array(1))
    bucket.put('kept', new Uint8Array(1), 'text/plain')
    server.clock.jump(DAY_MS - 1)
    expect(bucket.keys()).toEqual(['kept', 'lambda-tether/left'])
    // Whole days, and then to the next midnight.
    server.clock.jump(DAY_MS + 1)
    expect(bucket.keys()).toEqual(['kept'])
  })

  test('reports an unreachable endpoint, and ends when its signal fires', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const options = { bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS }
    await expect(installS3LifecycleRule(options)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      details: { operation: 'lifecycle', reason: 'unreachable' },
    })
    await expect(installS3LifecycleRule(options, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })
})
