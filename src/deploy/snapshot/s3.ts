import { abortError, TetherError } from '../../core/base/errors.js'
import { checkOptions } from '../../core/base/options.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import { reasonOf, type StoreOperation, storeFailure } from '../../core/payload/store-failure.js'
import { type S3Options, s3Checks } from '../../stores/s3-options.js'
import { loadS3 } from '../../stores/s3-target.js'
import { readBounded } from './bounded.js'
import type { SnapshotStore } from './snapshot.js'

// Not below 'lambda-tether/': what lies there is deleted after a day.
const DEFAULT_PREFIX = 'lambda-tether-snapshots/'

/**
 * Snapshots as objects of a bucket, which every machine of a team finds. The bucket must be private, and no lifecycle
 * rule may delete below the prefix. Needs `@aws-sdk/client-s3`, and `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject`
 * and `s3:ListBucket`.
 * @param options where the bucket is; its `prefix` is by default `lambda-tether-snapshots/`
 * @throws TetherError `INVALID_OPTION`. Its methods throw `STORE_FAILED` and `MISSING_DEPENDENCY`
 */
export function s3Snapshots(options: S3Options): SnapshotStore {
  const { bucket: Bucket, prefix = DEFAULT_PREFIX } = checkOptions('s3Snapshots', options, s3Checks)
  let loading: ReturnType<typeof loadS3> | undefined
  const s3 = () => {
    loading ??= loadS3(options)
    loading.catch(() => {
      loading = undefined
    })
    return loading
  }
  return {
    location: `s3://${Bucket}/${prefix}`,
    put: (key, bytes, { signal } = {}) =>
      attempt('put', signal, async () => {
        const { sdk, client } = await s3()
        const command = new sdk.PutObjectCommand({ Bucket, Key: prefix + key, Body: bytes })
        await client.send(command, abortable(signal))
      }),
    get: (key, { signal, maxBytes } = {}) =>
      attempt('get', signal, async () => {
        const { sdk, client } = await s3()
        const command = new sdk.GetObjectCommand({ Bucket, Key: prefix + key })
        try {
          const { Body } = await client.send(command, abortable(signal))
          // In Node it is a stream, which is destroyed where the reading stops.
          return Body && (await readBounded(key, Body as AsyncIterable<Uint8Array>, maxBytes))
        } catch (error) {
          if (error instanceof sdk.NoSuchKey) return undefined
          throw error
        }
      }),
    delete: (key, { signal } = {}) =>
      attempt('delete', signal, async () => {
        const { sdk, client } = await s3()
        await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: prefix + key }), abortable(signal))
      }),
    list: (below, { signal } = {}) =>
      attempt('get', signal, async () => {
        const { sdk, client } = await s3()
        const keys: string[] = []
        let ContinuationToken: string | undefined
        do {
          const page = await client.send(
            new sdk.ListObjectsV2Command({
              Bucket,
              Prefix: prefix + below,
              ...(ContinuationToken !== undefined && { ContinuationToken }),
            }),
            abortable(signal),
          )
          keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length)))
          ContinuationToken = page.NextContinuationToken
        } while (ContinuationToken !== undefined)
        return keys
      }),
  }
}

function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

async function attempt<T>(
  operation: StoreOperation,
  signal: AbortOptions['signal'],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted) throw abortError(signal)
    if (error instanceof TetherError) throw error
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
    const status = $metadata?.httpStatusCode
    // Credentials that are missing, a region that is unknown, a host that does not answer.
    if (status === undefined) {
      throw storeFailure(operation, 'unreachable', { detail: message, cause: error })
    }
    const answer = { status, code: name, message }
    throw storeFailure(operation, reasonOf(answer), { answer, cause: error })
  }
}
