import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import {
  askCredentials,
  type CredentialsOption,
  checkCredentialsOption,
  readCredentials,
  type SdkCredentials,
} from './credentials.js'
import { checkRegion } from './endpoints.js'

/** The AWS SDK's options for a `region`, `credentials` and a time-out. */
export interface SdkClientConfig {
  readonly region?: string
  readonly credentials?: SdkCredentials | (() => Promise<SdkCredentials>)
  readonly requestHandler: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly socketTimeout: number
    readonly throwOnRequestTimeout: boolean
  }
}

/** A check for each option that says who asks AWS, and where. */
export const awsChecks = { region: checkRegion, credentials: checkCredentialsOption }

/** The configuration of a client of the AWS SDK. */
export function sdkClientConfig({
  region,
  credentials,
  connectTimeoutMs = 10_000,
  requestTimeoutMs = connectTimeoutMs,
}: {
  readonly region?: string | undefined
  readonly credentials?: CredentialsOption | undefined
  readonly connectTimeoutMs?: number | undefined
  /** Until the answer is there. @default as long as connecting may take */
  readonly requestTimeoutMs?: number | undefined
}): SdkClientConfig {
  return {
    // By default the SDK waits for a silent server for ever.
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      socketTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...defined({ region, credentials: credentials && sdkCredentials(credentials) }),
  }
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

function sdkCredentials(option: CredentialsOption): SdkClientConfig['credentials'] {
  return typeof option === 'function' ? () => askCredentials(option) : readCredentials('credentials', option)
}
