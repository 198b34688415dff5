import { type CredentialsOption, checkCredentialsOption } from '../aws/credentials.js'
import { checkFlag, checkHttpUrl, matching, wholeNumber } from '../core/base/option-checks.js'
import { type Checks, mustBe, required } from '../core/base/options.js'
import { type AgentOptions, checkAgent } from '../network/agent-option.js'

/** Where the bucket is, and the identity for its requests. */
export interface S3Options extends AgentOptions {
  /** An existing bucket's name. */
  readonly bucket: string
  /** The prefix of every key; the lifecycle rule covers this prefix only. @default 'lambda-tether/' */
  readonly prefix?: string | undefined
  /**
   * A bucket in another region is found nevertheless.
   * @default the AWS SDK's region, from the environment and the profile
   */
  readonly region?: string | undefined
  /** Called, or read, for each request. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: CredentialsOption | undefined
  /**
   * An `http(s)://` URL of a server other than AWS's, such as the local cloud's.
   * @default the AWS SDK's, which reads `AWS_ENDPOINT_URL_S3`
   */
  readonly endpoint?: string | undefined
  /** Puts the bucket's name into the path, not into the host. @default false, except for an IP address */
  readonly forcePathStyle?: boolean | undefined
}

/** Options of `s3()`: the place and identity of {@link S3Options}, and a time limit. */
export interface S3StoreOptions extends S3Options {
  /** How long an attempt waits for the server, in milliseconds. The AWS SDK makes three. @default 30,000 */
  readonly attemptTimeoutMs?: number | undefined
}

/** The default prefix of keys. */
export const DEFAULT_PREFIX = 'lambda-tether/'

/** A check for each of {@link S3Options}. */
export const s3Checks: Checks<S3Options> = {
  bucket: required(
    matching(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      "a bucket's name: 3 to 63 lower-case letters, digits, '.' or '-'",
    ),
  ),
  prefix: checkPrefix,
  region: matching(/^[a-z0-9-]+$/, 'an AWS region such as eu-west-1'),
  credentials: checkCredentialsOption,
  endpoint: checkHttpUrl,
  forcePathStyle: checkFlag,
  agent: checkAgent,
}

/** A check for each of {@link S3StoreOptions}. */
export const s3StoreChecks: Checks<S3StoreOptions> = {
  ...s3Checks,
  attemptTimeoutMs: wholeNumber(1),
}

function checkPrefix(name: string, value: unknown): void {
  const words =
    "a text of at most 800 bytes that does not begin with '/' and has no '.' or '..' between slashes"
  // The core adds at most 200 bytes to a key; S3 allows 1,024.
  const short = typeof value === 'string' && !value.startsWith('/') && Buffer.byteLength(value) <= 800
  // URLs treat these parts of a path as steps, and drop them on the way.
  mustBe(words, short && !value.split('/').some((part) => part === '.' || part === '..'), name, value)
}
