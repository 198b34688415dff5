import { TetherError } from '../core/base/errors.js'
import { checkSecret, matching, orFunction } from '../core/base/option-checks.js'
import { type Check, fields, required } from '../core/base/options.js'
import type { AwsCredentials } from './sigv4-sign.js'

/** Credentials as a transport's options take them: themselves, or where to get them, asked at each connect. */
export type CredentialsOption = AwsCredentials | (() => AwsCredentials | Promise<AwsCredentials>)

/** The AWS SDK's options that a transport's `region`, `credentials` and `connectTimeoutMs` come to. */
export interface SdkClientConfig {
  readonly region?: string
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>)
  readonly requestHandler: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly throwOnRequestTimeout: boolean
  }
}

const checkCredentials: Check = fields('AWS credentials', {
  accessKeyId: required(checkSecret),
  secretAccessKey: required(checkSecret),
  sessionToken: checkSecret,
})

/** Of what may be wrong before anything is asked. */
export const awsChecks = {
  region: matching(/^[a-z]{2,}(-[a-z]+)+-\d+$/, 'an AWS region such as eu-west-1'),
  credentials: orFunction(checkCredentials),
}

/** How a client of the AWS SDK is made. */
export function sdkClientConfig({
  region,
  credentials,
  connectTimeoutMs = 10_000,
}: {
  readonly region?: string
  readonly credentials?: CredentialsOption
  readonly connectTimeoutMs?: number
}): SdkClientConfig {
  return {
    // The SDK by itself waits for a silent server for ever.
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: connectTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && {
      credentials: typeof credentials === 'function' ? async () => credentials() : credentials,
    }),
  }
}

/**
 * What `credentials` are now.
 * @param transport its name, for the message
 * @throws TetherError `UNREACHABLE` where the caller's function failed, `INVALID_OPTION` where what it gave is none
 */
export async function callerCredentials(
  transport: string,
  credentials: CredentialsOption,
): Promise<AwsCredentials> {
  if (typeof credentials !== 'function') return credentials
  let given: AwsCredentials
  try {
    given = await credentials()
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    const { message } = cause as Error
    throw new TetherError('UNREACHABLE', `${transport}()'s 'credentials' failed: ${message}`, { cause })
  }
  checkCredentials('credentials', given)
  return given
}

/**
 * Asks the AWS SDK, which may need the network, a profile or a login.
 * @param transport its name, for the message
 * @throws TetherError `UNREACHABLE`
 */
export async function fromSdk<T>(
  transport: string,
  what: 'endpoint' | 'region' | 'credentials',
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    const message = (cause as Error).message.replace(/\.?$/, '.')
    throw new TetherError(
      'UNREACHABLE',
      `The AWS SDK could not find the ${what}: ${message} Pass '${what}' to ${transport}(), or log in.`,
      { cause },
    )
  }
}
