import { randomBytes } from 'node:crypto'
import type { LocalS3Identity } from '../../src/local/index.js'
import type { S3Bucket } from '../../src/local/s3/bucket.js'
import { type S3EndpointOptions, s3Requests } from '../../src/local/s3/endpoint.js'
import { listen } from '../../src/network/listener.js'
import { ManualClock } from './manual-clock.js'
import type { RadosgwAddress } from './radosgw.js'

/** A local S3 endpoint whose clock the test moves. */
export interface LocalS3 extends RadosgwAddress, AsyncDisposable {
  readonly clock: ManualClock
  readonly buckets: Map<string, S3Bucket>
  close(): Promise<void>
}

export const LOCAL_CREDENTIALS = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local/secret+key' }

/** What `s3()` takes of a server. */
export function addressOf({ endpoint, region, credentials }: RadosgwAddress) {
  return { endpoint, region, credentials }
}

/** Starts one; its first identity is {@link LOCAL_CREDENTIALS}. */
export async function startLocalS3(
  options: Partial<S3EndpointOptions> & { readonly others?: readonly LocalS3Identity[] } = {},
): Promise<LocalS3> {
  const { others = [], ...rest } = options
  const clock = new ManualClock(Date.now())
  const buckets = new Map<string, S3Bucket>()
  const region = 'eu-west-1'
  const identities = [LOCAL_CREDENTIALS, ...others]
  const requests = s3Requests({ region, buckets, clock, identities, ...rest })
  const listener = await listen(requests, '127.0.0.1', 0)
  return {
    endpoint: listener.url,
    region,
    credentials: LOCAL_CREDENTIALS,
    clock,
    buckets,
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
  }
}

/** A name that no other test has. */
export function bucketName(): string {
  return `tether-${randomBytes(8).toString('hex')}`
}
