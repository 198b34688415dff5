import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import { attemptS3, lazyS3 } from '../../stores/s3-client.js'
import type { DebugStackTarget } from './options.js'

/**
 * Deletes every object of a bucket, a thousand with each request.
 * @returns the number of objects; 0 if the bucket does not exist
 * @throws TetherError `STORE_FAILED`, `MISSING_DEPENDENCY`, `ABORTED`
 */
export async function emptyBucket(
  bucket: string,
  {
    region,
    credentials,
    s3Endpoint,
    signal,
  }: Pick<DebugStackTarget, 'region' | 'credentials' | 's3Endpoint' | 'signal'>,
): Promise<number> {
  const load = lazyS3({ bucket, ...defined({ region, credentials, endpoint: s3Endpoint }) })
  return attemptS3(load, 'delete', { signal }, async ({ sdk, client }, http) => {
    let count = 0
    try {
      for (;;) {
        const page = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket }), http)
        const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }))
        if (Objects.length === 0) return count
        const Delete = { Objects, Quiet: true }
        const { Errors = [] } = await client.send(
          new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete }),
          http,
        )
        const [first] = Errors
        if (first !== undefined) {
          const message = `${Errors.length} objects of ${bucket} could not be deleted: ${first.Code}: ${first.Message}`
          throw new TetherError('STORE_FAILED', message)
        }
        count += Objects.length
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'NoSuchBucket') return count
      throw error
    } finally {
      client.destroy()
    }
  })
}
