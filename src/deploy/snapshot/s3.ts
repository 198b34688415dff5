import { defined } from '../../core/base/defined.js'
import { checkOptions } from '../../core/base/options.js'
import { attemptS3, lazyS3 } from '../../stores/s3-client.js'
import { type S3Options, s3Checks } from '../../stores/s3-options.js'
import { readBounded } from './bounded.js'
import type { SnapshotStore } from './snapshot.js'

// Not below 'lambda-tether/', where objects are deleted after a day.
const DEFAULT_PREFIX = 'lambda-tether-snapshots/'
/** Long enough for 50 MB of code over a slow line. */
const TRANSFER_TIMEOUT_MS = 120_000

/**
 * Keeps snapshots as objects of a bucket, which every machine of a team can find. The bucket must be private, and no
 * lifecycle rule may delete objects below the prefix. Needs `@aws-sdk/client-s3`, and `s3:GetObject`, `s3:PutObject`,
 * `s3:DeleteObject` and `s3:ListBucket`.
 * @param options the bucket and how to reach it; `prefix` is `lambda-tether-snapshots/` by default
 * @throws TetherError `INVALID_OPTION`. Its methods throw `STORE_FAILED` and `MISSING_DEPENDENCY`
 */
export function s3Snapshots(options: S3Options): SnapshotStore {
  const { bucket: Bucket, prefix = DEFAULT_PREFIX } = checkOptions('s3Snapshots', options, s3Checks)
  const load = lazyS3({ ...options, attemptTimeoutMs: TRANSFER_TIMEOUT_MS })
  return {
    location: `s3://${Bucket}/${prefix}`,
    put: (key, bytes, abort = {}) =>
      attemptS3(load, 'put', abort, async ({ sdk, client }, http) => {
        const command = new sdk.PutObjectCommand({ Bucket, Key: prefix + key, Body: bytes })
        await client.send(command, http)
      }),
    get: (key, { maxBytes, ...abort } = {}) =>
      attemptS3(load, 'get', abort, async ({ sdk, client }, http) => {
        const command = new sdk.GetObjectCommand({ Bucket, Key: prefix + key })
        try {
          const { Body } = await client.send(command, http)
          // In Node, the body is a stream. It is destroyed if reading stops early.
          return Body && (await readBounded(key, Body as AsyncIterable<Uint8Array>, maxBytes))
        } catch (error) {
          if (error instanceof sdk.NoSuchKey) return undefined
          throw error
        }
      }),
    delete: (key, abort = {}) =>
      attemptS3(load, 'delete', abort, async ({ sdk, client }, http) => {
        await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: prefix + key }), http)
      }),
    list: (below, abort = {}) =>
      attemptS3(load, 'get', abort, async ({ sdk, client }, http) => {
        const keys: string[] = []
        let ContinuationToken: string | undefined
        do {
          const page = await client.send(
            new sdk.ListObjectsV2Command(defined({ Bucket, Prefix: prefix + below, ContinuationToken })),
            http,
          )
          keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length)))
          ContinuationToken = page.NextContinuationToken
        } while (ContinuationToken !== undefined)
        return keys
      }),
  }
}
