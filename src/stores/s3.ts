import { AwsV4Signer } from 'aws4fetch'
import { systemClock } from '../core/base/clock.js'
import { abortError, throwIfAborted } from '../core/base/errors.js'
import { checkOptions } from '../core/base/options.js'
import type { PayloadStore, PresignedRequest, PresignOptions } from '../core/contracts/payload-store.js'
import type { AbortOptions } from '../core/contracts/transport.js'
import { storeFailure } from '../core/payload/store-failure.js'
import { download, remove, upload } from '../core/payload/transfer.js'
import { DEFAULT_PREFIX, type S3StoreOptions, s3StoreChecks } from './s3-options.js'
import { type S3Target, s3Targets } from './s3-target.js'
import { ServerTime } from './server-time.js'

export { installS3LifecycleRule, type S3LifecycleRule, s3LifecycleRule } from './s3-lifecycle.js'
export type { S3Credentials, S3Options, S3StoreOptions } from './s3-options.js'

/** How long the URLs of the store's own requests are good for. */
const OWN_EXPIRY_MS = 15 * 60_000
/** A week is the most that SigV4 allows. */
const MAX_EXPIRY_SECONDS = 604_800

/**
 * A bucket of S3, or of what speaks its protocol. The SDK finds the credentials, the region and the endpoint; each
 * request is a signed URL and a `fetch`, the session's as much as the stub's.
 *
 * Needs `@aws-sdk/client-s3`, loaded at the first use. Objects are deleted when they have been read; install
 * {@link s3LifecycleRule} for what a crash leaves.
 * @throws TetherError `INVALID_OPTION`. The operations throw `MISSING_DEPENDENCY` beside their own codes
 */
export function s3(options: S3StoreOptions): PayloadStore {
  const {
    prefix = DEFAULT_PREFIX,
    attemptTimeoutMs,
    clock = systemClock,
  } = checkOptions('s3', options, s3StoreChecks)
  const target = s3Targets(options)
  const time = new ServerTime(clock)

  async function presign(
    method: 'PUT' | 'GET' | 'DELETE',
    key: string,
    { expiresInMs, signal }: PresignOptions,
    bytes?: number,
  ): Promise<PresignedRequest> {
    throwIfAborted(signal)
    const signed = async () => {
      const to = await target()
      const now = await time.now(to.bucketUrl)
      return sign(to, method, prefix + key, { now, expiresInMs, ...(bytes !== undefined && { bytes }) })
    }
    return orAbort(signed(), signal)
  }
  const transfer = ({ signal }: AbortOptions) => ({
    ...(signal !== undefined && { signal }),
    ...(attemptTimeoutMs !== undefined && { attemptTimeoutMs }),
    fetch: time.fetch,
  })
  const own = (options: AbortOptions): PresignOptions => ({ ...options, expiresInMs: OWN_EXPIRY_MS })

  return {
    name: 's3',
    async put(key, body, options = {}) {
      await upload(await presign('PUT', key, own(options), body.length), body, transfer(options))
    },
    async get(key, options) {
      const { maxBytes } = options
      return download(await presign('GET', key, own(options)), { ...transfer(options), maxBytes })
    },
    async delete(key, options = {}) {
      // Of a key that is not there S3 says 204 as well.
      await remove(await presign('DELETE', key, own(options)), transfer(options))
    },
    presignPut: (key, options) => presign('PUT', key, options, options.bytes),
    presignGet: (key, options) => presign('GET', key, options),
  }
}

async function sign(
  { bucketUrl, region, credentials }: S3Target,
  method: string,
  key: string,
  { now, expiresInMs, bytes }: { now: number; expiresInMs: number; bytes?: number },
): Promise<PresignedRequest> {
  const { accessKeyId, secretAccessKey, sessionToken } = await credentials()
  // X-Amz-Date has whole seconds: one more, so that the URL never ends early.
  const seconds = Math.min(Math.ceil(expiresInMs / 1000) + 1, MAX_EXPIRY_SECONDS)
  const signer = new AwsV4Signer({
    url: `${bucketUrl}/${key.split('/').map(encode).join('/')}?X-Amz-Expires=${seconds}`,
    method,
    service: 's3',
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    // Signed along, so that nothing longer or shorter can be put. fetch sends the header by itself.
    ...(bytes !== undefined && { headers: { 'content-length': String(bytes) }, allHeaders: true }),
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    signQuery: true,
  })
  try {
    const { url } = await signer.sign()
    return { url: url.toString(), headers: {} }
  } catch {
    // What is wrong with a URL is told with the URL.
    throw storeFailure('presign', 'refused', { detail: 'the URL could not be signed' })
  }
}

// RFC 3986, as S3 reads paths: encodeURIComponent leaves five characters that SigV4 encodes.
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Waits no longer than the signal; what was begun goes on for whoever else waits for it. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const stop = () => reject(abortError(signal))
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
