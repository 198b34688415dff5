import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import { networkAdvice } from '../network/advice.js'
import type { AgentOptions } from '../network/agent-option.js'
import { type ClientAgents, clientAgents } from '../network/outgoing.js'
import {
  askCredentials,
  type CredentialsOption,
  checkCredentialsOption,
  readCredentials,
  type SdkCredentials,
} from './credentials.js'
import { checkRegion } from './endpoints.js'

/** Credentials, region and connection for requests to AWS. */
export interface SdkOptions extends AgentOptions {
  readonly region?: string | undefined
  readonly credentials?: CredentialsOption | undefined
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | undefined
  readonly connectTimeoutMs?: number | undefined
  /** Until the answer arrives. @default `connectTimeoutMs` */
  readonly requestTimeoutMs?: number | undefined
}

/** The AWS SDK's options for {@link SdkOptions}. */
export interface SdkClientConfig {
  readonly region?: string
  readonly credentials?: SdkCredentials | (() => Promise<SdkCredentials>)
  readonly requestHandler: ClientAgents & {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly socketTimeout: number
    readonly throwOnRequestTimeout: boolean
  }
}

/** Checks of the options for region and credentials. */
export const awsChecks = { region: checkRegion, credentials: checkCredentialsOption }

/** The configuration of a client of the AWS SDK. */
export async function sdkClientConfig(options: SdkOptions): Promise<SdkClientConfig> {
  const { region, credentials, connectTimeoutMs = 10_000, requestTimeoutMs = connectTimeoutMs } = options
  return {
    // By default, the SDK waits for a silent server forever.
    requestHandler: {
      ...(await clientAgents(options, connectTimeoutMs)),
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
 * @param transport the transport's name, for the message
 * @throws TetherError `UNREACHABLE`
 */
export async function fromSdk<T>(
  transport: string,
  what: 'endpoint' | 'region' | 'credentials',
  { agent }: AgentOptions,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    const { message, code, name } = cause as NodeJS.ErrnoException
    const advice = networkAdvice({ code: code ?? name, agent })
    // A login supplies no region that the profile lacks.
    const or = what === 'region' ? 'set AWS_REGION' : 'log in'
    throw new TetherError(
      'UNREACHABLE',
      `The AWS SDK could not find the ${what}: ${message.replace(/\.?$/, '.')} Pass '${what}' to ${transport}(), or ${or}.${advice}`,
      { cause },
    )
  }
}

function sdkCredentials(option: CredentialsOption): SdkClientConfig['credentials'] {
  return typeof option === 'function' ? () => askCredentials(option) : readCredentials('credentials', option)
}
