import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../core/base/clock.js'
import { hasChecksum } from './body.js'
import { isBucketName, type LocalObject, S3Bucket } from './bucket.js'
import { S3Error } from './errors.js'
import { listBuckets, listObjects } from './list.js'
import { elements, escapeXml, textOf } from './xml.js'

/** The actions that an identity may be allowed, by their IAM names. */
export type S3Action =
  | 's3:GetObject'
  | 's3:PutObject'
  | 's3:DeleteObject'
  | 's3:ListBucket'
  | 's3:ListAllMyBuckets'
  | 's3:CreateBucket'
  | 's3:DeleteBucket'
  | 's3:GetLifecycleConfiguration'
  | 's3:PutLifecycleConfiguration'

/** A request with a verified signature and body. */
export interface S3Request {
  readonly method: string
  readonly bucketName: string
  /** Empty for operations on the bucket. */
  readonly key: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
  readonly region: string
  allows(action: S3Action): boolean
}

export interface S3Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: string | Uint8Array
}

const XML = { 'content-type': 'application/xml' }

/**
 * Answers as S3 does.
 * @throws S3Error
 */
export function answerS3(request: S3Request, buckets: Map<string, S3Bucket>, clock: Clock): S3Reply {
  const { method, bucketName, key, query } = request
  if (bucketName === '' && method === 'GET') {
    allow(request, 's3:ListAllMyBuckets')
    return { status: 200, headers: XML, body: listBuckets(buckets) }
  }
  if (bucketName === '' || request.headers['x-amz-copy-source'] !== undefined)
    throw new S3Error('NotImplemented')
  const about = [...query.keys()].find((name) => !/^(x-id$|x-amz-)/i.test(name))
  if (key === '' && about === undefined && method === 'PUT') return createBucket(request, buckets, clock)
  const bucket = buckets.get(bucketName)
  if (!bucket) throw new S3Error('NoSuchBucket')
  if (key !== '') {
    if (about !== undefined)
      throw new S3Error('NotImplemented', `The local S3 endpoint knows no '?${about}'.`)
    return answerObject(request, bucket)
  }
  if (query.has('lifecycle')) return answerLifecycle(request, bucket)
  if (method === 'HEAD') {
    allow(request, 's3:ListBucket')
    return { status: 200 }
  }
  if (method === 'DELETE' && about === undefined) {
    allow(request, 's3:DeleteBucket')
    if (bucket.keys().length > 0) throw new S3Error('BucketNotEmpty')
    buckets.delete(bucketName)
    return { status: 204 }
  }
  if (method === 'POST' && query.has('delete')) return deleteObjects(request, bucket)
  if (method === 'GET' && query.get('list-type') === '2') {
    allow(request, 's3:ListBucket')
    return { status: 200, headers: XML, body: listObjects(bucket, query) }
  }
  throw new S3Error('NotImplemented')
}

function createBucket(request: S3Request, buckets: Map<string, S3Bucket>, clock: Clock): S3Reply {
  allow(request, 's3:CreateBucket')
  const { bucketName } = request
  if (!isBucketName(bucketName)) throw new S3Error('InvalidBucketName')
  // Only us-east-1 lets the owner create an existing bucket again.
  if (buckets.has(bucketName) && request.region !== 'us-east-1') throw new S3Error('BucketAlreadyOwnedByYou')
  if (!buckets.has(bucketName))
    buckets.set(bucketName, new S3Bucket(bucketName, { clock, region: request.region }))
  return { status: 200, headers: { location: `/${bucketName}` } }
}

function answerObject(request: S3Request, bucket: S3Bucket): S3Reply {
  const { method, key, headers, body } = request
  switch (method) {
    case 'PUT': {
      allow(request, 's3:PutObject')
      if (headers['if-none-match'] === '*' && bucket.object(key)) throw new S3Error('PreconditionFailed')
      const { etag } = bucket.put(key, body, headers['content-type'])
      return { status: 200, headers: { etag } }
    }
    case 'GET':
    case 'HEAD': {
      allow(request, 's3:GetObject')
      const object = bucket.object(key)
      if (object) return { status: 200, headers: describe(object), body: object.body }
      // Without permission to list, a client must not learn whether the key exists.
      throw new S3Error(request.allows('s3:ListBucket') ? 'NoSuchKey' : 'AccessDenied')
    }
    case 'DELETE':
      allow(request, 's3:DeleteObject')
      bucket.delete(key)
      return { status: 204 }
    default:
      throw new S3Error('MethodNotAllowed')
  }
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
const MAX_DELETED = 1000

function deleteObjects(request: S3Request, bucket: S3Bucket): S3Reply {
  allow(request, 's3:DeleteObject')
  checkIntegrity(request)
  const xml = Buffer.from(request.body).toString('utf8')
  const keys = elements(xml, 'Object').map((object) => textOf(object, 'Key') ?? '')
  if (keys.length === 0 || keys.length > MAX_DELETED || keys.includes('')) throw new S3Error('MalformedXML')
  for (const key of keys) bucket.delete(key)
  const quiet = textOf(xml, 'Quiet') === 'true'
  const deleted = quiet ? [] : keys.map((key) => `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`)
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${deleted.join('')}</DeleteResult>`
  return { status: 200, headers: XML, body }
}

function answerLifecycle(request: S3Request, bucket: S3Bucket): S3Reply {
  if (request.method === 'GET') {
    allow(request, 's3:GetLifecycleConfiguration')
    return { status: 200, headers: XML, body: bucket.lifecycle }
  }
  if (request.method !== 'PUT') throw new S3Error('NotImplemented')
  allow(request, 's3:PutLifecycleConfiguration')
  checkIntegrity(request)
  bucket.lifecycle = Buffer.from(request.body).toString('utf8')
  return { status: 200 }
}

function checkIntegrity({ headers }: S3Request): void {
  if (hasChecksum(headers)) return
  const message = 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*'
  throw new S3Error('InvalidRequest', message)
}

function allow(request: S3Request, action: S3Action): void {
  if (!request.allows(action)) throw new S3Error('AccessDenied')
}

function describe({ body, etag, contentType, modifiedAt }: LocalObject): Record<string, string | number> {
  return {
    'content-length': body.length,
    'content-type': contentType,
    etag,
    'last-modified': new Date(modifiedAt).toUTCString(),
  }
}
