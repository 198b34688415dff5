import { TetherError } from '../core/errors.js'

/** Credentials as every AWS SDK gives them. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/** Where the bucket is, and who asks. */
export interface S3Options {
  /** An existing bucket's name. */
  readonly bucket: string
  /** What every key begins with; the lifecycle rule is for it alone. @default 'lambda-tether/' */
  readonly prefix?: string
  /** The bucket's region. @default what the AWS SDK finds in the environment and the profile */
  readonly region?: string
  /** Called, or read, for each request. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: S3Credentials | (() => S3Credentials | Promise<S3Credentials>)
  /** An `http(s)://` URL of another server than AWS's, such as the local cloud's. @default the AWS SDK's, which knows `AWS_ENDPOINT_URL_S3` */
  readonly endpoint?: string
  /** Puts the bucket's name into the path, not into the host. @default false, but for an IP address */
  readonly forcePathStyle?: boolean
}

const DEFAULT_PREFIX = 'lambda-tether/'

/**
 * Checks the options by name and fills in the prefix.
 * @throws TetherError `INVALID_OPTION`
 */
export function checkS3Options(options: S3Options): { readonly prefix: string } {
  const { bucket, prefix = DEFAULT_PREFIX, region, endpoint, credentials } = options ?? {}
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    wrong('bucket', "3 to 63 lower-case letters, digits, '.' or '-'", bucket)
  }
  // The rest of a key is at most 200 bytes of the core's own; S3 allows 1,024.
  if (typeof prefix !== 'string' || prefix.startsWith('/') || Buffer.byteLength(prefix) > 800) {
    wrong('prefix', "a text of at most 800 bytes that does not begin with '/'", prefix)
  }
  // Some parts of a path vanish on the way: URLs know them as steps.
  if (prefix.split('/').some((part) => part === '.' || part === '..'))
    wrong('prefix', "free of '.' and '..'", prefix)
  if (region !== undefined && !/^[a-z0-9-]+$/.test(String(region))) {
    wrong('region', 'an AWS region such as eu-west-1', region)
  }
  if (endpoint !== undefined && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    wrong('endpoint', 'an http:// or https:// URL', endpoint)
  }
  if (credentials !== undefined && typeof credentials !== 'function') checkS3Credentials(credentials)
  return { prefix }
}

/** @throws TetherError `INVALID_OPTION` */
export function checkS3Credentials(credentials: S3Credentials): S3Credentials {
  for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
    if (typeof credentials?.[name] !== 'string' || credentials[name] === '') {
      throw new TetherError('INVALID_OPTION', `'credentials' must have '${name}', a text that is not empty.`)
    }
  }
  return credentials
}

function wrong(name: string, wanted: string, value: unknown): never {
  throw new TetherError('INVALID_OPTION', `'${name}' must be ${wanted}; it is '${String(value)}'.`)
}
