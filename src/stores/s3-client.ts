import type { S3Client } from '@aws-sdk/client-s3'
import type { CredentialsOption } from '../aws/credentials.js'
import { sdkClientConfig } from '../aws/sdk.js'
import { untilAborted } from '../core/base/abort.js'
import { defined } from '../core/base/defined.js'
import { TetherError, throwIfAborted } from '../core/base/errors.js'
import type { AbortOptions } from '../core/contracts/transport.js'
import { reasonOf, type StoreOperation, storeFailure } from '../core/payload/store-failure.js'
import { type ConnectFailure, networkAdvice } from '../network/advice.js'
import type { S3StoreOptions } from './s3-options.js'

/** The AWS SDK's module for S3, and a client of it. */
export interface S3Sdk {
  readonly sdk: typeof import('@aws-sdk/client-s3')
  readonly client: S3Client
  /** The way to the server, for advice. */
  readonly way: Pick<ConnectFailure, 'agent' | 'host'>
}

const INSTALL = 'npm install @aws-sdk/client-s3'

/** Loads the SDK when it is first needed, once unless that fails. @throws TetherError `MISSING_DEPENDENCY` */
export function lazyS3(options: S3StoreOptions): () => Promise<S3Sdk> {
  let loading: Promise<S3Sdk> | undefined
  return () => {
    loading ??= loadS3(options)
    loading.catch(() => {
      loading = undefined
    })
    return loading
  }
}

/** Loads the SDK and makes a client. @throws TetherError `MISSING_DEPENDENCY` */
export async function loadS3(options: S3StoreOptions): Promise<S3Sdk> {
  let sdk: S3Sdk['sdk']
  try {
    sdk = await import('@aws-sdk/client-s3')
  } catch (cause) {
    throw new TetherError('MISSING_DEPENDENCY', `s3() needs the AWS SDK. Run: ${INSTALL}`, { cause })
  }
  const { region, credentials, agent, endpoint, forcePathStyle, attemptTimeoutMs = 30_000 } = options
  const client = new sdk.S3Client({
    ...(await sdkClientConfig({
      region,
      credentials: askedForEachRequest(credentials),
      agent,
      connectTimeoutMs: attemptTimeoutMs,
    })),
    ...defined({ endpoint, forcePathStyle }),
    followRegionRedirects: true,
    // By default the SDK adds CRC32 checksums, which servers other than AWS's may not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const host = endpoint === undefined ? undefined : new URL(endpoint).hostname
  return { sdk, client, way: { agent, host } }
}

/**
 * Runs requests with the SDK, and explains failures.
 * @param work gets the SDK and the options for the client's `send`
 * @throws TetherError `STORE_FAILED`, `MISSING_DEPENDENCY`, `ABORTED`, and any other from `work`
 */
export async function attemptS3<T>(
  load: () => Promise<S3Sdk>,
  operation: StoreOperation,
  { signal }: AbortOptions,
  work: (s3: S3Sdk, options: { abortSignal?: AbortSignal }) => Promise<T>,
): Promise<T> {
  let s3: S3Sdk | undefined
  const attempt = async () => {
    s3 = await load()
    return work(s3, defined({ abortSignal: signal }))
  }
  try {
    return await untilAborted(attempt, signal)
  } catch (error) {
    throwIfAborted(signal)
    throw failureOf(operation, error, s3?.way)
  }
}

// The SDK keeps credentials without an expiration for ever, and requests expired ones anew for each request.
function askedForEachRequest(option: CredentialsOption | undefined): CredentialsOption | undefined {
  return typeof option === 'function'
    ? async () => ({ expiration: new Date(0), ...(await option()) })
    : option
}

/** Errors of the SDK, and of the network below it. */
interface SdkError extends Error {
  /** S3's name of the error. */
  readonly Code?: string
  /** Node's code of a network error. */
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

function failureOf(operation: StoreOperation, cause: unknown, way: S3Sdk['way'] = {}): TetherError {
  // UNREACHABLE comes from the caller's function for credentials, or from a proxy.
  if (cause instanceof TetherError && cause.code !== 'UNREACHABLE') return cause
  const { name, message, Code, code, $metadata } = cause as SdkError
  const atProxy = cause instanceof TetherError && cause.details.during === 'proxy'
  const status = $metadata?.httpStatusCode
  if (status !== undefined) {
    const answer = { status, code: Code, message }
    return storeFailure(operation, reasonOf(answer), { answer, cause })
  }
  const text = (message || code || String(cause)).replace(/\.$/, '')
  if (atProxy || name === 'TimeoutError' || (code !== undefined && !(cause instanceof TetherError))) {
    const advice = networkAdvice({ ...way, code: name === 'TimeoutError' ? name : code, takesCa: false })
    return storeFailure(operation, 'unreachable', { detail: `${text}.${advice}`.replace(/\.$/, ''), cause })
  }
  const detail = `${text}. Pass 'region' and 'credentials' to s3(), or log in`
  return storeFailure(operation, 'unconfigured', { detail, cause })
}
