import type { S3Client } from '@aws-sdk/client-s3'
import { TetherError } from '../core/base/errors.js'
import { storeFailure } from '../core/payload/store-failure.js'
import { checkS3Credentials, type S3Credentials, type S3Options } from './s3-options.js'

/** What a request to a bucket is signed for. */
export interface S3Target {
  /** Without a slash at the end; an object's key is its path below. */
  readonly bucketUrl: string
  readonly region: string
  credentials(): Promise<S3Credentials>
}

const NOBODY = { accessKeyId: 'nobody', secretAccessKey: 'nothing' }
const INSTALL = 'npm install @aws-sdk/client-s3'

/** Finds the target once, with the SDK's own rules for endpoints, regions and partitions; tries again what failed. */
export function s3Targets(options: S3Options): () => Promise<S3Target> {
  let target: Promise<S3Target> | undefined
  return () => {
    target ??= findTarget(options)
    target.catch(() => {
      target = undefined
    })
    return target
  }
}

/**
 * The SDK's client for these options.
 * @throws TetherError `MISSING_DEPENDENCY`
 */
export async function loadS3(options: S3Options) {
  let sdk: typeof import('@aws-sdk/client-s3')
  try {
    sdk = await import('@aws-sdk/client-s3')
  } catch (cause) {
    throw new TetherError('MISSING_DEPENDENCY', `s3() needs the AWS SDK. Run: ${INSTALL}`, { cause })
  }
  const { region, credentials, endpoint, forcePathStyle } = options
  const client = new sdk.S3Client({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(forcePathStyle !== undefined && { forcePathStyle }),
    ...(credentials !== undefined && {
      credentials: typeof credentials === 'function' ? async () => credentials() : credentials,
    }),
    // By default the SDK adds CRC32 checksums, which other servers than AWS's may not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return { sdk, client }
}

async function findTarget(options: S3Options): Promise<S3Target> {
  const { sdk, client } = await loadS3(options)
  // The SDK asks for credentials whenever it prepares a request; here they are not needed, and would be asked for twice.
  const { client: anonymous } = await loadS3({ ...options, credentials: NOBODY })
  const { credentials } = options
  return {
    bucketUrl: await found('the region or the endpoint', () =>
      bucketUrlOf(anonymous, new sdk.HeadBucketCommand({ Bucket: options.bucket })),
    ),
    region: await found('the region', () => client.config.region()),
    async credentials() {
      if (typeof credentials === 'object') return credentials
      const given = await found('credentials', async () => (credentials ?? client.config.credentials)())
      checkS3Credentials('credentials', given)
      return given
    },
  }
}

/** Lets the SDK prepare a request, and takes it before it is signed and sent. */
async function bucketUrlOf(
  client: S3Client,
  command: InstanceType<typeof import('@aws-sdk/client-s3').HeadBucketCommand>,
): Promise<string> {
  let url: string | undefined
  command.middlewareStack.add(
    () =>
      async ({ request }) => {
        const { protocol, hostname, port, path } = request as Readonly<
          Record<'protocol' | 'hostname' | 'path', string>
        > & { readonly port?: number }
        url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path.replace(/\/$/, '')}`
        return { response: {}, output: { $metadata: {} } }
      },
    { step: 'build', priority: 'low', name: 'takeRequest' },
  )
  await client.send(command)
  if (url === undefined) throw new Error('the SDK prepared no request')
  return url
}

/** Asks what may need a profile, a login or the network. */
async function found<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    const message = (cause instanceof Error ? cause.message : String(cause)).replace(/\.?$/, '.')
    const detail = `${what}: ${message} Pass 'region' and 'credentials' to s3(), or log in`
    throw storeFailure('presign', 'unconfigured', { detail, cause })
  }
}
