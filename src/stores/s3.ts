import type { GetObjectCommand } from '@aws-sdk/client-s3'
import { checkOptions } from '../core/base/options.js'
import type { PayloadStore } from '../core/contracts/payload-store.js'
import { readAtMost } from '../core/payload/transfer.js'
import { attemptS3, lazyS3 } from './s3-client.js'
import { DEFAULT_PREFIX, type S3StoreOptions, s3StoreChecks } from './s3-options.js'
import { bucketPresigner } from './s3-presign.js'

export type { AwsCredentials, CredentialsOption, SigningIdentity } from '../aws/credentials.js'
export { installS3LifecycleRule, type S3LifecycleRule, s3LifecycleRule } from './s3-lifecycle.js'
export type { S3Options, S3StoreOptions } from './s3-options.js'

/**
 * A bucket of S3, or of another server with its protocol. The AWS SDK finds the endpoint, the region and the
 * credentials, and makes the session's own requests. Stubs use presigned URLs only.
 *
 * Needs `@aws-sdk/client-s3`, loaded at the first use. Objects are deleted when they have been read; install
 * {@link s3LifecycleRule} to clean up after crashes.
 * @throws TetherError `INVALID_OPTION`. The operations throw `MISSING_DEPENDENCY` besides their own codes
 */
export function s3(options: S3StoreOptions): PayloadStore {
  const { bucket: Bucket, prefix = DEFAULT_PREFIX } = checkOptions('s3', options, s3StoreChecks)
  const load = lazyS3(options)
  const presign = bucketPresigner(Bucket)
  const object = (key: string) => ({ Bucket, Key: prefix + key })

  return {
    name: 's3',
    put: (key, body, options = {}) =>
      attemptS3(load, 'put', options, async ({ sdk, client }, http) => {
        await client.send(new sdk.PutObjectCommand({ ...object(key), Body: body }), http)
      }),
    get: (key, { maxBytes, ...options }) =>
      attemptS3(load, 'get', options, async ({ sdk, client }, http) => {
        const command = new sdk.GetObjectCommand(object(key))
        const body = collectBody(command, maxBytes)
        await client.send(command, http)
        return body()
      }),
    delete: (key, options = {}) =>
      attemptS3(load, 'delete', options, async ({ sdk, client }, http) => {
        // S3 answers 204 for a missing key as well.
        await client.send(new sdk.DeleteObjectCommand(object(key)), http)
      }),
    presignPut: (key, { expiresInMs, bytes, ...options }) =>
      attemptS3(load, 'presign', options, (s3) =>
        presign(s3, { method: 'PUT', key: prefix + key, expiresInMs, bytes }),
      ),
    presignGet: (key, { expiresInMs, ...options }) =>
      attemptS3(load, 'presign', options, (s3) =>
        presign(s3, { method: 'GET', key: prefix + key, expiresInMs }),
      ),
  }
}

/**
 * Reads the body as a part of each attempt, so that the SDK retries when it is cut off.
 * @returns a function that returns the body after the command was sent
 */
function collectBody(command: GetObjectCommand, maxBytes: number): () => Uint8Array {
  let body: Uint8Array | undefined
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { Body, ContentLength } = result.output!
      body = await readAtMost(maxBytes, (Body ?? []) as AsyncIterable<Uint8Array>, ContentLength)
      return result
    },
    { step: 'deserialize', priority: 'high', name: 'collectBody' },
  )
  return () => body!
}
