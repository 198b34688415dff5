import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { download, upload } from '../../src/core/payload/transfer.js'
import { S3Bucket } from '../../src/local/s3/bucket.js'
import { type S3StoreOptions, s3 } from '../../src/stores/s3.js'
import { loadS3 } from '../../src/stores/s3-client.js'
import { bucketPlace } from '../../src/stores/s3-presign.js'
import { freePort } from '../support/free-port.js'
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
  const bucket = new S3Bucket(bucketName(), { clock: server.clock, region: 'us-east-1' })
  server.buckets.set(bucket.name, bucket)
  const store = s3({ ...addressOf(server), bucket: bucket.name, ...options })
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

/** Sets this machine's clock, by which the SDK signs, for one test. */
function setClock(now: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now })
  onTestFinished(() => void vi.useRealTimers())
}

/** Where the SDK sends a bucket's requests, without a network. */
async function placeOf(options: Partial<S3StoreOptions>) {
  const s3 = await loadS3({ bucket: 'my-bucket', credentials: LOCAL_CREDENTIALS, ...options })
  const response = { statusCode: 404, headers: {}, body: new Uint8Array() }
  s3.client.config.requestHandler = { handle: async () => ({ response }) } as never
  return bucketPlace(s3, 'my-bucket')
}

/** Whom a signature names, and what for. */
const credentialIn = (text: string) =>
  /Credential=([^&,]*)/.exec(decodeURIComponent(text))?.[1]?.split('/') ?? []

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
    ['credentials.expiration', { bucket: 'abc', credentials: { ...LOCAL_CREDENTIALS, expiration: 'soon' } }],
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
    ['eusc-de-east-1', 'https://my-bucket.s3.eusc-de-east-1.amazonaws.eu'],
  ])('find AWS’s own endpoint in %s, with the bucket in the host', async (region, url) => {
    expect(await placeOf({ region })).toEqual({ url, region, confirmed: true })
  })

  test('put the bucket into the path on request', async () => {
    const options = { region: 'eu-west-1', endpoint: 'https://storage.example:9000/base' }
    expect(await placeOf(options)).toMatchObject({ url: 'https://my-bucket.storage.example:9000/base' })
    expect(await placeOf({ ...options, forcePathStyle: true })).toMatchObject({
      url: 'https://storage.example:9000/base/my-bucket',
    })
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
    let [current] = temporary
    const { store } = await local({ credentials: async () => current! }, { others: temporary })
    await store.put('key', randomBytes(10))
    for (const next of temporary) {
      current = next
      expect(await store.get('key', { maxBytes: 10 })).toHaveLength(10)
      const request = await store.presignGet('key', MINUTE)
      expect(credentialIn(request.url)[0]).toBe(next.accessKeyId)
      expect(await download(request, { maxBytes: 10 })).toHaveLength(10)
    }
  })

  test('take an expiration that is a text', async () => {
    const expiration = new Date(Date.now() + HOUR_MS).toISOString()
    const credentials = { ...LOCAL_CREDENTIALS, expiration }
    for (const option of [credentials, () => credentials]) {
      const { store } = await local({ credentials: option })
      await store.put('key', randomBytes(10))
      expect(await download(await store.presignGet('key', MINUTE), { maxBytes: 10 })).toHaveLength(10)
    }
  })

  test('leave credentials to the SDK by default', async () => {
    const temporary = { accessKeyId: 'ASIASDK', secretAccessKey: 'sdk', sessionToken: 'token/+=' }
    vi.stubEnv('AWS_ACCESS_KEY_ID', temporary.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', temporary.secretAccessKey)
    vi.stubEnv('AWS_SESSION_TOKEN', temporary.sessionToken)
    onTestFinished(() => void vi.unstubAllEnvs())
    const server = await startLocalS3({ others: [temporary] })
    onTestFinished(() => server.close())
    server.buckets.set('bucket', new S3Bucket('bucket', { clock: server.clock, region: 'us-east-1' }))
    const store = s3({ bucket: 'bucket', endpoint: server.endpoint, region: server.region })
    await store.put('key', randomBytes(10))
    const request = await store.presignGet('key', MINUTE)
    expect(credentialIn(request.url)[0]).toBe(temporary.accessKeyId)
    expect(await download(request, { maxBytes: 10 })).toHaveLength(10)
  })

  test('find a bucket in another region, for the own requests and for URLs', async () => {
    const regions: (string | undefined)[] = []
    const endpoint = await scripted((request, response) => {
      const [, , region] = credentialIn(request.headers.authorization ?? '')
      regions.push(region)
      response.writeHead(region === 'eu-central-1' ? 200 : 301, { 'x-amz-bucket-region': 'eu-central-1' })
      response.end()
    })
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    await store.put('key', randomBytes(1))
    expect(regions).toEqual(['eu-west-1', 'eu-central-1'])
    for (const _ of [1, 2]) {
      const { url } = await store.presignGet('key', MINUTE)
      expect(credentialIn(url)[2]).toBe('eu-central-1')
    }
    // The bucket was asked once.
    expect(regions).toHaveLength(4)
  })
})

const servers: [name: string, available: boolean, start: () => Promise<RadosgwAddress>][] = [
  ['the local endpoint', true, () => startLocalS3()],
  ['a real server (needs radosgw)', radosgw, sharedRadosgw],
]

describe.each(servers)('s3 on %s', (_, available, start) => {
  describe.skipIf(!available)('fails with a reason', () => {
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

    test('when the object is missing, by key and by URL', async () => {
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

    test('never for 8 MiB, the most that a body may have', async () => {
      const store = s3({ ...addressOf(server), bucket })
      const body = randomBytes(8 * 1024 * 1024)
      await store.put('large', body)
      expect(Buffer.compare(await store.get('large', { maxBytes: body.length }), body)).toBe(0)
      await expect(store.get('large', { maxBytes: body.length - 1 })).rejects.toMatchObject({
        code: 'TOO_LARGE',
        message: expect.stringMatching(/8388608 bytes or more exceeds 8388607/),
      })
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
      setClock(Date.now() + offset)
      const store = s3({ ...addressOf(server), bucket })
      const request = await store.presignPut('clock', { expiresInMs: 30_000, bytes: 10 })
      const body = randomBytes(10)
      await upload(request, body)
      expect(Buffer.compare(await store.get('clock', { maxBytes: 10 }), body)).toBe(0)
    })
  })
})

describe('s3', () => {
  test('reports an expired URL to its user', async () => {
    const { store, clock } = await local()
    await store.put('key', randomBytes(10))
    const get = await store.presignGet('key', MINUTE)
    const put = await store.presignPut('key', { ...MINUTE, bytes: 10 })
    clock.jump(60_000)
    expect(await download(get, { maxBytes: 10 })).toHaveLength(10)
    await upload(put, randomBytes(10))
    clock.jump(5_000)
    await expect(download(get, { maxBytes: 10 })).rejects.toMatchObject(failure('url-expired'))
    await expect(upload(put, randomBytes(10))).rejects.toMatchObject(failure('url-expired'))
  })

  test('says that a denial may mean a missing object', async () => {
    const reader = { accessKeyId: 'AKIAREADER', secretAccessKey: 'x', actions: ['s3:GetObject'] as const }
    const { store } = await local({ credentials: reader }, { others: [reader] })
    await expect(store.get('missing', { maxBytes: 1 })).rejects.toMatchObject({
      ...failure('access-denied', { code: 'AccessDenied' }),
      message: expect.stringContaining('or the object is missing'),
    })
  })

  test('signs each URL with its own time after a clock change', async () => {
    const { store, clock } = await local()
    // The first answer is from before the laptop slept.
    await store.put('key', randomBytes(10))
    clock.jump(HOUR_MS)
    setClock(Date.now() + HOUR_MS)
    const request = await store.presignGet('key', MINUTE)
    expect(await download(request, { maxBytes: 10 })).toHaveLength(10)
  })

  test('continues if the time of S3 is unavailable', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    setClock(Date.UTC(2026, 10, 21, 12))
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    const { url } = await store.presignGet('key', MINUTE)
    expect(new URL(url).searchParams.get('X-Amz-Date')).toBe('20261121T120000Z')
  })

  test('is unreachable if connections are refused, without a URL in the error', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const store = s3({ bucket: 'abc', region: 'eu-west-1', endpoint, credentials: LOCAL_CREDENTIALS })
    const error = await store.put('key', randomBytes(1)).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TetherError)
    expect(error).toMatchObject(failure('unreachable', { operation: 'put' }))
    expect((error as Error).message).toContain('ECONNREFUSED')
    expect(JSON.stringify([String(error), String((error as Error).cause)])).not.toContain('X-Amz')
  })

  test('is unreachable after three attempts without an answer', async () => {
    let asked = 0
    const endpoint = await scripted(() => {
      asked += 1
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
    expect((error as Error).message).toContain('50 ms')
    expect((error as Error).message, 'no proxy leads to this machine').not.toContain('HTTPS_PROXY')
    expect(asked).toBe(3)
  })

  test('ends a request that hangs when the signal fires', async () => {
    const controller = new AbortController()
    const endpoint = await scripted(() => controller.abort())
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

  test('retries when S3 is too busy, and when a body is cut off', async () => {
    const body = randomBytes(100)
    let asked = 0
    const endpoint = await scripted((_, response) => {
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

  test('reports the received size of a body that is always cut off', async () => {
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

  test('follows no redirect with a signed request', async () => {
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

  test.each([
    ['region', { credentials: LOCAL_CREDENTIALS }, /[Rr]egion/],
    ['credentials', { region: 'eu-west-1' }, /credentials/],
  ])('reports a setting that the SDK does not find: %s', async (_what, options, words) => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    onTestFinished(() => void vi.unstubAllEnvs())
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const store = s3({ bucket: 'abc', endpoint, ...options })
    const unconfigured = (operation: string) => ({
      ...failure('unconfigured', { operation }),
      message: expect.stringMatching(words),
    })
    await expect(store.put('key', randomBytes(1))).rejects.toMatchObject(unconfigured('put'))
    await expect(store.presignGet('key', MINUTE)).rejects.toMatchObject(unconfigured('presign'))
  })

  test('reports missing credentials, and asks again the next time', async () => {
    let loggedIn = false
    const credentials = async () => {
      if (loggedIn) return LOCAL_CREDENTIALS
      throw new Error('Token is expired. Log in.')
    }
    const { store } = await local({ credentials })
    await expect(store.put('key', randomBytes(1))).rejects.toMatchObject({
      ...failure('unconfigured', { operation: 'put' }),
      message: expect.stringContaining('Token is expired'),
    })
    loggedIn = true
    await store.put('key', randomBytes(1))
    const wrong = await local({ credentials: () => ({ accessKeyId: 'a' }) as never })
    await expect(wrong.store.put('key', randomBytes(1))).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
