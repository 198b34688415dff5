import { type CredentialsOption, checkCredentialsOption } from '../aws/credentials.js'
import { checkFlag, checkHttpUrl, matching, wholeNumber } from '../core/base/option-checks.js'
import { type Checks, mustBe, required } from '../core/base/options.js'
import { type AgentOptions, checkAgent } from '../network/agent-option.js'

/** Where the bucket is, and who asks. */
export interface S3Options extends AgentOptions {
  /** An existing bucket's name. */
  readonly bucket: string
  /** What every key begins with; the lifecycle rule is for it alone. @default 'lambda-tether/' */
  readonly prefix?: string | undefined
  /** A bucket in another region is found nevertheless. @default what the AWS SDK finds in the environment and the profile */
  readonly region?: string | undefined
  /** Called, or read, for each request. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: CredentialsOption | undefined
  /** An `http(s)://` URL of another server than AWS's, such as the local cloud's. @default the AWS SDK's, which knows `AWS_ENDPOINT_URL_S3` */
  readonly endpoint?: string | undefined
  /** Puts the bucket's name into the path, not into the host. @default false, but for an IP address */
  readonly forcePathStyle?: boolean | undefined
}

/** Options of `s3()` beside where the bucket is and who asks. */
export interface S3StoreOptions extends S3Options {
  /** How long an attempt waits for the server, in milliseconds. The AWS SDK makes three. @default 30,000 */
  readonly attemptTimeoutMs?: number | undefined
}

/** What keys begin with by default. */
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
  // The rest of a key is at most 200 bytes of the core's own; S3 allows 1,024.
  const short = typeof value === 'string' && !value.startsWith('/') && Buffer.byteLength(value) <= 800
  // Some parts of a path vanish on the way: URLs know them as steps.
  mustBe(words, short && !value.split('/').some((part) => part === '.' || part === '..'), name, value)
}
