import { percentEncode } from '../../aws/query.js'
import type { S3Bucket } from './bucket.js'
import { S3Error } from './errors.js'
import { escapeXml } from './xml.js'

const MAX_KEYS = 1000

/** Returns the answer of ListBuckets, in one page. */
export function listBuckets(buckets: ReadonlyMap<string, S3Bucket>): string {
  const all = [...buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const entries = all.map(({ name, createdAt }) => {
    const created = new Date(createdAt).toISOString()
    return `<Bucket><Name>${name}</Name><CreationDate>${created}</CreationDate></Bucket>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets>${entries.join('')}</Buckets><Owner><ID>local</ID></Owner></ListAllMyBucketsResult>`
}

/** Returns the answer of ListObjectsV2. @throws S3Error `NotImplemented`, `InvalidArgument` */
export function listObjects(bucket: S3Bucket, query: ReadonlyMap<string, string>): string {
  if (query.get('delimiter')) throw new S3Error('NotImplemented', 'The local S3 endpoint knows no delimiter.')
  const prefix = query.get('prefix') ?? ''
  const wanted = Number(query.get('max-keys') ?? MAX_KEYS)
  if (!Number.isInteger(wanted) || wanted < 0)
    throw new S3Error('InvalidArgument', 'max-keys is not a number')
  const token = query.get('continuation-token')
  const after =
    token === undefined ? query.get('start-after') : Buffer.from(token, 'base64url').toString('utf8')
  const encoding = query.get('encoding-type') === 'url'
  const text = (key: string) => (encoding ? key.split('/').map(percentEncode).join('/') : escapeXml(key))

  const keys = bucket.keys().filter((key) => key.startsWith(prefix))
  const from =
    after === undefined
      ? 0
      : keys.findIndex((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
  const rest = from < 0 ? [] : keys.slice(from)
  const page = rest.slice(0, Math.min(wanted, MAX_KEYS))
  const last = page.at(-1)
  const truncated = page.length < rest.length && last !== undefined
  const contents = page.map((key) => {
    const { body, etag, modifiedAt } = bucket.object(key)!
    const modified = new Date(modifiedAt).toISOString()
    return `<Contents><Key>${text(key)}</Key><LastModified>${modified}</LastModified><ETag>${escapeXml(etag)}</ETag><Size>${body.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<Name>${bucket.name}</Name><Prefix>${text(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${wanted}</MaxKeys>`,
    encoding ? '<EncodingType>url</EncodingType>' : '',
    `<IsTruncated>${truncated}</IsTruncated>`,
    truncated
      ? `<NextContinuationToken>${Buffer.from(last).toString('base64url')}</NextContinuationToken>`
      : '',
    ...contents,
    '</ListBucketResult>',
  ].join('')
}
