import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { download, upload } from '../../src/core/payload/transfer.js'
import { S3Bucket } from '../../src/local/s3/bucket.js'
import { type S3StoreOptions, s3 } from '../../src/stores/s3.js'
import { s3Targets } from '../../src/stores/s3-target.js'
import { freePort } from '../support/free-port.js'
import { ManualClock } from '../support/manual-clock.js'
import { type RadosgwAddress, radosgw } from '../support/radosgw.js'
import { RADOSGW_START_MS, sharedRadosgw } from '../support/radosgw-shared.js'
import { s3Request } from '../support/s3-request.js'
import { addressOf, bucketName, LOCAL_CREDENTIALS, startLocalS3 } from '../support/s3-subjects.js'

const MINUTE = { expiresInMs: 60_000 }
const HOUR_MS = 3_600_000

/** A local endpoint with one bucket, and a store on it. */
async function local(
  options: Partial<S3StoreOptions> = {},
  endpointOptions: Parameters<typeof startLocalS3>[0] = {},
) {
  const server = await startLocalS3(endpointOptions)
  onTestFinished(() => server.close())
  const bucket = new S3Bucket(bucketName(), server.clock)
  server.buckets.set(bucket.name, bucket)
  const { endpoint, region, credentials, clock } = server
  const store = s3({ bucket: bucket.name, endpoint, region, credentials, clock, ...options })
  return { ...server, bucket, store }
}

/** A server that answers as the test says. */
async function scripted(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const failure = (reason: string, more: object = {}) => ({
  code: 'STORE_FAILED',
  details: expect.objectContaining({ reason, ...more }),
})

describe('s3, options', () => {
  test.each([
    ['bucket', { bucket: 'Upper' }],
    ['bucket', {}],
    ['prefix', { bucket: 'abc', prefix: '/a' }],
    ['prefix', { bucket: 'abc', prefix: 'a/../b' }],
    ['prefix', { bucket: 'abc', prefix: 'é'.repeat(401) }],
    ['region', { bucket: 'abc', region: 'eu west' }],
    ['endpoint', { bucket: 'abc', endpoint: 'localhost:9000' }],
    ['credentials.secretAccessKey', { bucket: 'abc', credentials: { accessKeyId: 'a' } }],
    ['attemptTimeoutMs', { bucket: 'abc', attemptTimeoutMs: 0 }],
  ])('name a wrong %s: %j', (name, options) => {
    expect(() => s3(options as S3StoreOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })

  test.each([
    ['eu-west-1', 'https://my-bucket.s3.eu-west-1.amazonaws.com'],
    ['cn-north-1', 'https://my-bucket.s3.cn-north-1.amazonaws.com.cn'],
    ['us-gov-west-1', 'https://my-bucket.s3.us-gov-west-1.amazonaws.com'],
  ])('find AWS’s own endpoint in %s, with the bucket in the host', async (region, bucketUrl) => {
    const find = s3Targets({ bucket: 'my-bucket', region, credentials: LOCAL_CREDENTIALS })
    expect(await find()).toMatchObject({ bucketUrl, region })
  })

  test('put the bucket into the path where that is asked', async () => {
    const options = { bucket: 'my-bucket', region: 'eu-west-1', credentials: LOCAL_CREDENTIALS }
    const endpoint = 'https://storage.example:9000/base'
    const inHost = await s3Targets({ ...options, endpoint })()
    expect(inHost.bucketUrl).toBe('https://my-bucket.storage.example:9000/base')
    const inPath = await s3Targets({ ...options, endpoint, forcePathStyle: true })()
    expect(inPath.bucketUrl).toBe('https://storage.example:9000/base/my-bucket')
  })

  test('put every key under the prefix', async () => {
    const { store, bucket } = await local({ prefix: 'mine/' })
    await store.put('a', randomBytes(1))
    const { url, headers } = await store.presignPut('b', { ...MINUTE, bytes: 1 })
    await fetch(url, { method: 'PUT', headers, body: 'x' })
    expect(bucket.keys()).toEqual(['mine/a', 'mine/b'])
  })

  test('ask for credentials at each request, session tokens too', async () => {
    const temporary = ['first', 'second'].map((name) => ({
      accessKeyId: `ASIA${name}`,
      secretAccessKey: name,
      sessionToken: `token/+=${name}`,
    }))
    let asked = 0
    const { store } = await local({ credentials: async () => temporary[asked++ % 2]! }, { others: temporary })
    await store.put('key', randomBytes(10))
    expect(await store.get('key', { maxBytes: 10 })).toHaveLength(10)
    expect(asked).toBe(2)
  })
})

const servers: [name: string, available: boolean, start: () => Promise<RadosgwAddress>][] = [
  ['the local endpoint', true, () => startLocalS3()],
  ['a real server (needs radosgw)', radosgw, sharedRadosgw],
]

describe.each(servers)('s3 on %s', (_, available, start) => {
  describe.skipIf(!available)('fails, and says why', () => {
    let server: RadosgwAddress
    const bucket = bucketName()

    beforeAll(async () => {
      server = await start()
      await s3Request(server, { method: 'PUT', path: `/${bucket}` })
    }, RADOSGW_START_MS)

    test('when the bucket is gone', async () => {
      const gone = bucketName()
      const store = s3({ ...addressOf(server), bucket: gone })
      const wanted = failure('bucket-missing', { status: 404, code: 'NoSuchBucket' })
      await expect(store.put('key', randomBytes(10))).rejects.toMatchObject(wanted)
      await expect(store.get('key', { maxBytes: 10 })).rejects.toMatchObject(wanted)
      await expect(store.delete('key')).rejects.toMatchObject(wanted)
      const put = await store.presignPut('key', { ...MINUTE, bytes: 10 })
      await expect(upload(put, randomBytes(10))).rejects.toMatchObject(wanted)
      const get = await store.presignGet('key', MINUTE)
      await expect(download(get, { maxBytes: 10 })).rejects.toMatchObject(wanted)
    })

    test('when access is denied', async () => {
      const nobody = s3({
        ...addressOf(server),
        bucket,
        credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' },
      })
      await expect(nobody.get('key', { maxBytes: 1 })).rejects.toMatchObject(
        failure('access-denied', { operation: 'get', status: 403, code: 'InvalidAccessKeyId' }),
      )
      const impostor = s3({
        ...addressOf(server),
        bucket,
        credentials: { ...server.credentials, secretAccessKey: 'x' },
      })
      await expect(impostor.put('key', randomBytes(1))).rejects.toMatchObject(
        failure('mismatch', { operation: 'put', status: 403, code: 'SignatureDoesNotMatch' }),
      )
    })

    test('when the object is missing, here and for who has a URL', async () => {
      const store = s3({ ...addressOf(server), bucket })
      const wanted = failure('object-missing', { operation: 'get', status: 404, code: 'NoSuchKey' })
      await expect(store.get('missing', { maxBytes: 1 })).rejects.toMatchObject(wanted)
      const request = await store.presignGet('missing', MINUTE)
      await expect(download(request, { maxBytes: 1 })).rejects.toMatchObject(wanted)
    })

    test('when the body has another length than the URL', async () => {
      const store = s3({ ...addressOf(server), bucket })
      const request = await store.presignPut('key', { ...MINUTE, bytes: 10 })
      await expect(upload(request, randomBytes(11))).rejects.toMatchObject(failure('mismatch'))
    })

    test('when an object is not of the length it was said to be', async () => {
      const store = s3({ ...addressOf(server), bucket })
      await store.put('short', randomBytes(10))
      const request = await store.presignGet('short', MINUTE)
      const error = await download(request, { maxBytes: 100, bytes: 11 }).catch((reason) => reason)
      expect(error).toMatchObject(failure('truncated'))
      expect(error.message).toMatch(/10 bytes came where 11/)
      await expect(download(request, { maxBytes: 9 })).rejects.toMatchObject({ code: 'TOO_LARGE' })
      expect(await download(request, { maxBytes: 10, bytes: 10 })).toHaveLength(10)
    })

    test.each([-HOUR_MS, HOUR_MS])('never because the own clock is %i ms off', async (offset) => {
      const store = s3({ ...addressOf(server), bucket, clock: new ManualClock(Date.now() + offset) })
      const request = await store.presignPut('clock', { expiresInMs: 30_000, bytes: 10 })
      const body = randomBytes(10)
      await upload(request, body)
      expect(Buffer.compare(await store.get('clock', { maxBytes: 10 }), body)).toBe(0)
    })
  })
})

describe('s3', () => {
  test('says that a URL has expired, to who uses it', async () => {
    const { store, clock } = await local()
    await store.put('key', randomBytes(10))
    const get = await store.presignGet('key', MINUTE)
    const put = await store.presignPut('key', { ...MINUTE, bytes: 10 })
    clock.jump(60_000)
    expect(await download(get, { maxBytes: 10 })).toHaveLength(10)
    await upload(put, randomBytes(10))
    clock.jump(2_000)
    await expect(download(get, { maxBytes: 10 })).rejects.toMatchObject(failure('url-expired'))
    await expect(upload(put, randomBytes(10))).rejects.toMatchObject(failure('url-expired'))
  })

  test('takes denial for what S3 may mean by it', async () => {
    const reader = { accessKeyId: 'AKIAREADER', secretAccessKey: 'x', actions: ['s3:GetObject'] as const }
    const { store } = await local({ credentials: reader }, { others: [reader] })
    await expect(store.get('missing', { maxBytes: 1 })).rejects.toMatchObject({
      ...failure('access-denied', { code: 'AccessDenied' }),
      message: expect.stringContaining('or the object is missing'),
    })
  })

  test('gives every URL its own time after the clock was set', async () => {
    const { store, clock } = await local()
    // The first answer is from before the laptop slept.
    await store.put('key', randomBytes(10))
    clock.jump(HOUR_MS)
    const request = await store.presignGet('key', MINUTE)
    expect(await download(request, { maxBytes: 10 })).toHaveLength(10)
  })

  test('goes on when nobody says what time it is', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 12))
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS, clock })
    const { url } = await store.presignGet('key', MINUTE)
    expect(new URL(url).searchParams.get('X-Amz-Date')).toBe('20261121T120000Z')
  })

  test('is unreachable when nobody listens, after three attempts and without a URL in the error', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    const error = await store.put('key', randomBytes(1)).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TetherError)
    expect(error).toMatchObject(failure('unreachable', { operation: 'put' }))
    expect((error as Error).message).toContain('ECONNREFUSED')
    expect(JSON.stringify([String(error), String((error as Error).cause)])).not.toContain('X-Amz')
  })

  test('is unreachable when nobody answers', async () => {
    let asked = 0
    const endpoint = await scripted((request, response) => {
      if (request.method === 'HEAD') response.end()
      else asked += 1
    })
    const store = s3({
      bucket: 'abc',
      region: 'eu-west-1',
      endpoint,
      credentials: LOCAL_CREDENTIALS,
      attemptTimeoutMs: 50,
    })
    const error = await store.get('key', { maxBytes: 1 }).catch((reason: unknown) => reason)
    expect(error).toMatchObject(failure('unreachable', { operation: 'get' }))
    expect((error as Error).message).toContain('no answer within 50 ms')
    expect(asked).toBe(3)
  })

  test('ends a request that hangs when the signal fires', async () => {
    const controller = new AbortController()
    const endpoint = await scripted((request, response) => {
      if (request.method === 'HEAD') response.end()
      else controller.abort()
    })
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    const { signal } = controller
    await expect(store.put('key', randomBytes(1), { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('ends the wait for credentials when the signal fires', async () => {
    const controller = new AbortController()
    const store = s3({
      bucket: 'abc',
      region: 'eu-west-1',
      endpoint: `http://127.0.0.1:${await freePort()}`,
      credentials: () => {
        controller.abort()
        return new Promise(() => {})
      },
    })
    const { signal } = controller
    await expect(store.presignGet('key', { ...MINUTE, signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('tries again what S3 is too busy for, and what is cut off', async () => {
    const body = randomBytes(100)
    let asked = 0
    const endpoint = await scripted((request, response) => {
      if (request.method === 'HEAD') return response.end()
      asked += 1
      if (asked === 1) return response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')
      response.writeHead(200, { 'content-length': 100 })
      if (asked === 3) return response.end(body)
      response.write(body.subarray(0, 50), () => response.destroy())
      return undefined
    })
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    expect(Buffer.compare(await store.get('key', { maxBytes: 100 }), body)).toBe(0)
    expect(asked).toBe(3)
  })

  test('says how much came of a body that is always cut off', async () => {
    const endpoint = await scripted((_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write(randomBytes(50), () => response.destroy())
    })
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    const error = await store.get('key', { maxBytes: 100 }).catch((reason: unknown) => reason)
    expect(error).toMatchObject(failure('truncated'))
    expect((error as Error).message).toMatch(/of 100 bytes came/)
  })

  test('reads no more than it may of a body without a length', async () => {
    let ended = () => {}
    const end = new Promise<void>((resolve) => {
      ended = resolve
    })
    const endpoint = await scripted((_, response) => {
      response.on('close', ended)
      const more = () => response.write(randomBytes(10_000), () => setImmediate(more))
      more()
    })
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    await expect(store.get('key', { maxBytes: 100_000 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/exceeds 100000/),
    })
    await end
  })

  test('follows no redirect with what was signed', async () => {
    let followed = false
    const elsewhere = await scripted((_, response) => {
      followed = true
      response.end()
    })
    const endpoint = await scripted((_, response) => response.writeHead(307, { location: elsewhere }).end())
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    await expect(store.put('key', randomBytes(1))).rejects.toMatchObject(failure('refused', { status: 307 }))
    expect(followed).toBe(false)
  })

  test('says so when there are no credentials, and asks again the next time', async () => {
    let loggedIn = false
    const credentials = async () => {
      if (loggedIn) return LOCAL_CREDENTIALS
      throw new Error('Token is expired. Log in.')
    }
    const { store } = await local({ credentials })
    await expect(store.put('key', randomBytes(1))).rejects.toMatchObject({
      ...failure('unconfigured', { operation: 'presign' }),
      message: expect.stringContaining('Token is expired'),
    })
    loggedIn = true
    await store.put('key', randomBytes(1))
    const wrong = await local({ credentials: () => ({ accessKeyId: 'a' }) as never })
    await expect(wrong.store.put('key', randomBytes(1))).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
