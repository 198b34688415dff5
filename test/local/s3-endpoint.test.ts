import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type RadosgwAddress, radosgw } from '../support/radosgw.js'
import { RADOSGW_START_MS, sharedRadosgw } from '../support/radosgw-shared.js'
import { type S3TestAnswer, type S3TestRequest, s3Request } from '../support/s3-request.js'
import { bucketName, LOCAL_CREDENTIALS, type LocalS3, startLocalS3 } from '../support/s3-subjects.js'

const MINUTE_MS = 60_000
const toAnother = (url: URL) => {
  url.pathname += '2'
}
const servers: [name: string, available: boolean, start: () => Promise<RadosgwAddress>][] = [
  ['the local endpoint', true, () => startLocalS3()],
  ['a real server (needs radosgw)', radosgw, sharedRadosgw],
]

// What the local endpoint claims of S3 is asked of a real implementation too.
describe.each(servers)('%s', (_, available, start) => {
  describe.skipIf(!available)('refuses as S3 does', () => {
    let server: RadosgwAddress
    const bucket = bucketName()
    const object = `/${bucket}/there`
    const ask = (request: S3TestRequest) => s3Request(server, request)

    beforeAll(async () => {
      server = await start()
      await ask({ method: 'PUT', path: `/${bucket}` })
      await ask({ method: 'PUT', path: object, body: 'body' })
    }, RADOSGW_START_MS)

    const cases: [what: string, request: () => S3TestRequest, status: number, code: string][] = [
      ['a missing object', () => ({ path: `/${bucket}/missing` }), 404, 'NoSuchKey'],
      ['a missing bucket', () => ({ path: `/${bucketName()}/key` }), 404, 'NoSuchBucket'],
      [
        'a missing bucket for a PUT',
        () => ({ method: 'PUT', path: `/${bucketName()}/key`, body: 'x' }),
        404,
        'NoSuchBucket',
      ],
      [
        'no signature',
        () => ({ path: object, tamper: (_, headers) => headers.delete('authorization') }),
        403,
        'AccessDenied',
      ],
      [
        'an unknown access key',
        () => ({ path: object, credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' } }),
        403,
        'InvalidAccessKeyId',
      ],
      [
        'a wrong secret key',
        () => ({ path: object, credentials: { ...server.credentials, secretAccessKey: 'x' } }),
        403,
        'SignatureDoesNotMatch',
      ],
      [
        'a wrong secret key in a URL',
        () => ({
          path: object,
          expiresSeconds: 60,
          credentials: { ...server.credentials, secretAccessKey: 'x' },
        }),
        403,
        'SignatureDoesNotMatch',
      ],
      ['another path', () => ({ path: object, tamper: toAnother }), 403, 'SignatureDoesNotMatch'],
      [
        'another path in a URL',
        () => ({ path: object, expiresSeconds: 60, tamper: toAnother }),
        403,
        'SignatureDoesNotMatch',
      ],
      [
        'a longer life than was signed',
        () => ({
          path: object,
          expiresSeconds: 60,
          tamper: (url) => url.searchParams.set('X-Amz-Expires', '600'),
        }),
        403,
        'SignatureDoesNotMatch',
      ],
      [
        'a URL that has expired',
        () => ({ path: object, expiresSeconds: 60, at: Date.now() - 2 * MINUTE_MS }),
        403,
        'AccessDenied',
      ],
      [
        'a clock 20 minutes behind',
        () => ({ path: object, at: Date.now() - 20 * MINUTE_MS }),
        403,
        'RequestTimeTooSkewed',
      ],
      [
        'a clock 20 minutes ahead',
        () => ({ path: object, at: Date.now() + 20 * MINUTE_MS }),
        403,
        'RequestTimeTooSkewed',
      ],
      [
        'a body that is not the one hashed',
        () => ({
          method: 'PUT',
          path: `/${bucket}/hashed`,
          headers: { 'x-amz-content-sha256': createHash('sha256').update('body').digest('hex') },
          body: 'ydob',
        }),
        400,
        'XAmzContentSHA256Mismatch',
      ],
      [
        'a body that does not fit its MD5',
        () => ({
          method: 'PUT',
          path: `/${bucket}/md5`,
          headers: { 'content-md5': createHash('md5').update('body').digest('base64') },
          body: 'ydob',
        }),
        400,
        'BadDigest',
      ],
      [
        'no lifecycle',
        () => ({ path: `/${bucket}`, query: { lifecycle: '' } }),
        404,
        'NoSuchLifecycleConfiguration',
      ],
      ['a bucket that is not empty', () => ({ method: 'DELETE', path: `/${bucket}` }), 409, 'BucketNotEmpty'],
    ]
    test.each(cases)('%s', async (_, request, status, code) => {
      const answer = await ask(request())
      expect([answer.status, answer.code]).toEqual([status, code])
    })

    test('a signed length that another body has', async () => {
      const answer = await putSigned(server, `${object}-new`, '4', 'bodies')
      expect([answer.status, answer.code]).toEqual([403, 'SignatureDoesNotMatch'])
      expect(await ask({ path: `${object}-new` })).toMatchObject({ status: 404 })
      expect(await putSigned(server, `${object}-new`, '4', 'body')).toMatchObject({ status: 200 })
    })

    test('and serves valid requests', async () => {
      const path = `/${bucket}/deep/key%20%2B%E6%BC%A2`
      expect(await ask({ method: 'PUT', path, body: 'content' })).toMatchObject({ status: 200 })
      const got = await ask({ path, expiresSeconds: 60 })
      expect([got.status, got.text, got.headers.get('etag')]).toEqual([
        200,
        'content',
        `"${createHash('md5').update('content').digest('hex')}"`,
      ])
      const head = await ask({ method: 'HEAD', path })
      expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', '7'])
      expect(await ask({ method: 'DELETE', path })).toMatchObject({ status: 204 })
      expect(await ask({ method: 'DELETE', path })).toMatchObject({ status: 204 })
      expect(await ask({ method: 'HEAD', path })).toMatchObject({ status: 404 })
    })

    test('lists in pages, in order', async () => {
      const own = bucketName()
      await ask({ method: 'PUT', path: `/${own}` })
      for (const key of ['b/2', 'a', 'b/1', 'b/3', 'c'])
        await ask({ method: 'PUT', path: `/${own}/${key}`, body: key })
      const first = await ask({ path: `/${own}`, query: { 'list-type': '2', prefix: 'b/', 'max-keys': '2' } })
      expect(keysOf(first)).toEqual(['b/1', 'b/2'])
      expect(first.text).toContain('<IsTruncated>true</IsTruncated>')
      const token = /<NextContinuationToken>([^<]+)</.exec(first.text)?.[1] ?? ''
      const second = await ask({
        path: `/${own}`,
        query: { 'list-type': '2', prefix: 'b/', 'max-keys': '2', 'continuation-token': token },
      })
      expect(keysOf(second)).toEqual(['b/3'])
      expect(second.text).toContain('<IsTruncated>false</IsTruncated>')
    })
  })
})

describe('the local S3 endpoint', () => {
  async function open(
    options: Parameters<typeof startLocalS3>[0] = {},
  ): Promise<LocalS3 & { bucket: string }> {
    const server = await startLocalS3(options)
    onTestFinished(() => server.close())
    const bucket = bucketName()
    await s3Request(server, { method: 'PUT', path: `/${bucket}` })
    return { ...server, bucket }
  }

  test('ends a URL by its own clock, to the second', async () => {
    const server = await open()
    server.clock.jump(1000 - (server.clock.now() % 1000))
    const path = `/${server.bucket}/key`
    await s3Request(server, { method: 'PUT', path, body: 'x' })
    const request = { path, expiresSeconds: 60, at: server.clock.now() }
    server.clock.jump(60_000)
    expect(await s3Request(server, request)).toMatchObject({ status: 200 })
    server.clock.jump(1)
    const answer = await s3Request(server, request)
    expect([answer.code, answer.text]).toEqual([
      'AccessDenied',
      expect.stringContaining('Request has expired'),
    ])
    expect(Date.parse(answer.headers.get('date') ?? '')).toBe(Math.floor(server.clock.now() / 1000) * 1000)
  })

  test.each([
    ['over a week', { expiresSeconds: 604_801 }, 400, 'AuthorizationQueryParametersError'],
    ['of no time', { expiresSeconds: 0 }, 400, 'AuthorizationQueryParametersError'],
    ['of 20 minutes ahead', { expiresSeconds: 60, at: Date.now() + 20 * MINUTE_MS }, 403, 'AccessDenied'],
    [
      'for another region',
      { expiresSeconds: 60, region: 'us-west-2' },
      400,
      'AuthorizationQueryParametersError',
    ],
  ])('refuses a URL %s', async (_, request, status, code) => {
    const server = await open()
    expect(await s3Request(server, { path: `/${server.bucket}/key`, ...request })).toMatchObject({
      status,
      code,
    })
  })

  test.each([
    ['another region', { region: 'us-west-2' }, 400, 'AuthorizationHeaderMalformed'],
    [
      'an x-amz header that was not signed',
      { tamper: (_: URL, headers: Headers) => headers.set('x-amz-acl', 'public-read') },
      403,
      'AccessDenied',
    ],
    [
      'no hash of the body',
      { tamper: (_: URL, headers: Headers) => headers.delete('x-amz-content-sha256') },
      400,
      'InvalidRequest',
    ],
    [
      'a key of 1,025 bytes',
      { method: 'PUT', path: `/bucket/${'k'.repeat(1025)}`, body: '' },
      400,
      'KeyTooLongError',
    ],
    ['an operation it does not know', { query: { acl: '' } }, 501, 'NotImplemented'],
    ['a copy', { method: 'PUT', headers: { 'x-amz-copy-source': '/a/b' }, body: '' }, 501, 'NotImplemented'],
    [
      'a body in signed chunks',
      { method: 'PUT', headers: { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }, body: 'x' },
      501,
      'NotImplemented',
    ],
  ])('refuses %s', async (_, request, status, code) => {
    const server = await open()
    expect(await s3Request(server, { path: `/${server.bucket}/key`, ...request })).toMatchObject({
      status,
      code,
    })
  })

  test('wants a checksum with a lifecycle, and rules in it', async () => {
    const server = await open()
    const put = (body: string, headers: Record<string, string> = {}) =>
      s3Request(server, { method: 'PUT', path: `/${server.bucket}`, query: { lifecycle: '' }, body, headers })
    const md5 = (body: string) => ({ 'content-md5': createHash('md5').update(body).digest('base64') })
    const empty = '<LifecycleConfiguration></LifecycleConfiguration>'
    expect(await put(empty)).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(await put(empty, md5(empty))).toMatchObject({ status: 400, code: 'MalformedXML' })
    const rule =
      '<Rule><Status>Enabled</Status><Prefix>a</Prefix><Expiration><Days>0</Days></Expiration></Rule>'
    const wrong = `<LifecycleConfiguration>${rule}</LifecycleConfiguration>`
    expect(await put(wrong, md5(wrong))).toMatchObject({ status: 400, code: 'InvalidArgument' })
    const right = wrong.replace('>0<', '>1<')
    expect(await put(right, md5(right))).toMatchObject({ status: 200 })
  })

  test('takes a session token only as it is, and only where it belongs', async () => {
    const temporary = { accessKeyId: 'ASIATEMPORARY', secretAccessKey: 'x', sessionToken: 'the/token+=' }
    const server = await open({ others: [temporary] })
    const path = `/${server.bucket}/key`
    await s3Request(server, { method: 'PUT', path, body: 'x' })
    for (const expiresSeconds of [60, undefined]) {
      const ask = (credentials: S3TestRequest['credentials'] & object) =>
        s3Request(server, { path, credentials, ...(expiresSeconds !== undefined && { expiresSeconds }) })
      expect(await ask(temporary)).toMatchObject({ status: 200 })
      expect(await ask({ ...temporary, sessionToken: 'another' })).toMatchObject({
        status: 400,
        code: 'InvalidToken',
      })
      const { sessionToken: _, ...without } = temporary
      expect(await ask(without)).toMatchObject({ status: 400, code: 'InvalidToken' })
      expect(await ask({ ...LOCAL_CREDENTIALS, sessionToken: 'x' })).toMatchObject({ code: 'InvalidToken' })
    }
  })

  test('hides missing objects from an identity that may not list', async () => {
    const reader = { accessKeyId: 'AKIAREADER', secretAccessKey: 'x', actions: ['s3:GetObject'] as const }
    const server = await open({ others: [reader] })
    const path = `/${server.bucket}/key`
    await s3Request(server, { method: 'PUT', path, body: 'x' })
    const ask = (request: S3TestRequest) => s3Request(server, { ...request, credentials: reader })
    expect(await ask({ path })).toMatchObject({ status: 200 })
    expect(await ask({ path: `${path}-missing` })).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(await ask({ path, method: 'PUT', body: 'y' })).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(await ask({ path, method: 'DELETE' })).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(await ask({ path: `/${server.bucket}`, query: { 'list-type': '2' } })).toMatchObject({
      code: 'AccessDenied',
    })
  })

  test('keeps its limit of an object, with both numbers', async () => {
    const server = await open({ maxObjectBytes: 100 })
    const path = `/${server.bucket}/key`
    expect(await s3Request(server, { method: 'PUT', path, body: randomBytes(100) })).toMatchObject({
      status: 200,
    })
    const answer = await s3Request(server, { method: 'PUT', path, body: randomBytes(101) })
    expect(answer).toMatchObject({ status: 400, code: 'EntityTooLarge' })
    expect(answer.text).toMatch(/101 bytes exceeds 100/)
  })

  test('stores nothing of a body that ends early', async () => {
    const server = await open()
    const path = `/${server.bucket}/key`
    const { port } = new URL(server.endpoint)
    let head = ''
    // Signed for 100 bytes, as a stub that dies in the middle had it.
    await s3Request(server, {
      method: 'PUT',
      path,
      body: 'x',
      tamper: (_, headers) => {
        head = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
      },
    })
    await s3Request(server, { method: 'DELETE', path })
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.end(
      `PUT ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${head}Content-Length: 100\r\n\r\n${'x'.repeat(50)}`,
    )
    socket.resume()
    await closed
    expect(server.buckets.get(server.bucket)?.keys()).toEqual([])
  })

  test('does not replace an object under if-none-match', async () => {
    const server = await open()
    const put = { method: 'PUT', path: `/${server.bucket}/key`, headers: { 'if-none-match': '*' } }
    expect(await s3Request(server, { ...put, body: 'first' })).toMatchObject({ status: 200 })
    expect(await s3Request(server, { ...put, body: 'second' })).toMatchObject({
      status: 412,
      code: 'PreconditionFailed',
    })
    expect((await s3Request(server, { path: put.path })).text).toBe('first')
  })
})

/** PUTs a body through a URL that was signed with a Content-Length. */
function putSigned(
  server: RadosgwAddress,
  path: string,
  length: string,
  body: string,
): Promise<S3TestAnswer> {
  return s3Request(server, {
    method: 'PUT',
    path,
    headers: { 'content-length': length },
    expiresSeconds: 60,
    body,
    tamper: (_, headers) => headers.delete('content-length'),
  })
}

function keysOf({ text }: S3TestAnswer): string[] {
  return [...text.matchAll(/<Key>([^<]*)</g)].map(([, key = '']) => key)
}
