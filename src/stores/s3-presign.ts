import type { HeadBucketCommand } from '@aws-sdk/client-s3'
import { presignedUrl } from '../aws/presign.js'
import { percentEncode } from '../aws/query.js'
import { MAX_EXPIRES_SECONDS, signingTime, UNSIGNED_PAYLOAD } from '../aws/signature.js'
import type { PresignedRequest, PresignOptions } from '../core/contracts/payload-store.js'
import type { S3Sdk } from './s3-client.js'

/** A request to presign. */
export interface ObjectRequest extends Pick<PresignOptions, 'expiresInMs'> {
  readonly method: 'PUT' | 'GET'
  readonly key: string
  /** The only length that a PUT may have. */
  readonly bytes?: number
}

/** Where a bucket is. */
export interface BucketPlace {
  /** Without a trailing slash; an object's key is its path below. */
  readonly url: string
  readonly region: string
  /** False if the server did not answer: the bucket may be elsewhere, and the machine's clock may be wrong. */
  readonly confirmed: boolean
}

/** How long to wait for the server's answer before presigning without it. */
const CONFIRM_TIMEOUT_MS = 2_000

/**
 * Makes presigned requests for a bucket's objects. They expire with the credentials that signed them, if these expire
 * first.
 */
export function bucketPresigner(
  bucket: string,
): (s3: S3Sdk, request: ObjectRequest) => Promise<PresignedRequest> {
  let placing: Promise<BucketPlace> | undefined
  const place = async (s3: S3Sdk): Promise<BucketPlace> => {
    placing ??= bucketPlace(s3, bucket)
    try {
      const found = await placing
      if (!found.confirmed) placing = undefined
      return found
    } catch (error) {
      placing = undefined
      throw error
    }
  }
  return async (s3, { method, key, expiresInMs, bytes }) => {
    const { config } = s3.client
    const identity = await config.credentials()
    const { url: bucketUrl, region } = await place(s3)
    const url = new URL(`${bucketUrl}/${key.split('/').map(percentEncode).join('/')}`)
    const headers: [string, string][] = [['host', url.host]]
    // fetch sends this header by itself.
    if (bytes !== undefined) headers.unshift(['content-length', String(bytes)])
    // X-Amz-Date and S3's Date, which corrects the clock, have whole seconds: add one second for each, so that no URL
    // expires early.
    const seconds = Math.min(Math.ceil(expiresInMs / 1000) + 2, MAX_EXPIRES_SECONDS)
    const token = identity.sessionToken && `&X-Amz-Security-Token=${percentEncode(identity.sessionToken)}`
    const more = `&X-Amz-Expires=${seconds}${token ?? ''}`
    const time = signingTime(Date.now() + config.systemClockOffset)
    const request = { method, url, headers, payloadHash: UNSIGNED_PAYLOAD, more }
    return { url: presignedUrl(request, { time, region, service: 's3' }, identity), headers: {} }
  }
}

/**
 * Finds a bucket with a HEAD request by the SDK, which follows the bucket to its region. Any answer, even a refusal,
 * corrects the client's clock.
 */
export async function bucketPlace({ sdk, client }: S3Sdk, bucket: string): Promise<BucketPlace> {
  const command = new sdk.HeadBucketCommand({ Bucket: bucket })
  const sent = watched(command)
  let confirmed = true
  try {
    await client.send(command, { abortSignal: AbortSignal.timeout(CONFIRM_TIMEOUT_MS) })
  } catch (error) {
    if (sent.place === undefined) throw error
    confirmed = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined
  }
  return { ...sent.place!, confirmed }
}

/** Records the URL and the signing region of the command's request. */
function watched(command: HeadBucketCommand): { place?: Omit<BucketPlace, 'confirmed'> } {
  const sent: ReturnType<typeof watched> = {}
  command.middlewareStack.add(
    (next) => (args) => {
      const { protocol, hostname, port, path, headers } = args.request as {
        readonly protocol: string
        readonly hostname: string
        readonly port?: number
        readonly path: string
        readonly headers: Readonly<Record<string, string>>
      }
      const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path.replace(/\/$/, '')}`
      const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? ''
      sent.place = { url, region }
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low', name: 'recordPlace' },
  )
  return sent
}
