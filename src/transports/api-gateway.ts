import { askCredentials, type CredentialsOption } from '../aws/credentials.js'
import { endpointRegion } from '../aws/endpoints.js'
import { awsChecks, fromSdk, sdkClientConfig } from '../aws/sdk.js'
import { checkClock, pem } from '../core/base/option-checks.js'
import { checkOptions, required } from '../core/base/options.js'
import type { Transport } from '../core/contracts/transport.js'
import { networkAdvice } from '../network/advice.js'
import { type AgentOptions, checkAgent } from '../network/agent-option.js'
import { type ApiGatewayIdentity, apiGatewayDiagnosis } from './api-gateway/diagnosis.js'
import { loadManagementApi, SdkPoster } from './api-gateway/sdk.js'
import {
  type ApiGatewayAccess,
  type ApiGatewayCommonOptions,
  apiGatewayTransport,
} from './api-gateway/transport.js'
import { apiGatewayUrl, managementUrl, SERVICE } from './api-gateway/url.js'
import { checkConnectTimeout } from './mqtt/options.js'
import { packageWebSockets, preloadWebSocket } from './socket/package-web-socket.js'

export type { AwsCredentials, CredentialsOption, SigningIdentity } from '../aws/credentials.js'
export type { ApiGatewayCommonOptions } from './api-gateway/transport.js'

/** How to reach a debug stack, and with which identity. */
export interface ApiGatewayOptions extends ApiGatewayCommonOptions, AgentOptions {
  /** @default the endpoint's region, else the AWS SDK's, from the environment and the profile */
  readonly region?: string | undefined
  /** Called, or read, at each connect. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: CredentialsOption | undefined
}

/**
 * Connects through an API Gateway WebSocket API with the debug stack's relay behind it. Once the receiver's connection
 * is known, frames are posted to it directly, without the relay; an identity without the right to post keeps using the
 * relay. Needs `@aws-sdk/client-apigatewaymanagementapi`.
 * @throws TetherError `INVALID_OPTION`. `connect` throws `MISSING_DEPENDENCY` and `UNREACHABLE`, with advice if the
 * endpoint does not resolve, the signature is refused or the relay fails
 */
export function apiGateway(options: ApiGatewayOptions): Transport {
  checkOptions('apiGateway', options, {
    ...awsChecks,
    endpoint: required((_name, value) => apiGatewayUrl(value)),
    ca: pem('CERTIFICATE'),
    agent: checkAgent,
    connectTimeoutMs: checkConnectTimeout,
    clock: checkClock,
  })
  const url = apiGatewayUrl(options.endpoint)
  const region = options.region ?? endpointRegion(url, SERVICE)
  const { agent } = options
  const found = () => access(url, { ...options, ...(region !== undefined && { region }) })
  preloadWebSocket()
  const transport = apiGatewayTransport(url, options, {
    openWebSocket: packageWebSockets({ agent }),
    advice: (host, code) => networkAdvice({ agent, host, code }),
    access: found,
  })
  const identity = async () => {
    const { poster, ...rest } = await found()
    poster.close()
    return rest
  }
  return {
    ...transport,
    diagnosis: (surroundings) => apiGatewayDiagnosis(url, options, identity, surroundings),
  }
}

async function access(
  url: string,
  options: ApiGatewayOptions,
): Promise<ApiGatewayAccess & ApiGatewayIdentity> {
  const { ApiGatewayManagementApiClient } = await loadManagementApi()
  const { credentials } = options
  const client = new ApiGatewayManagementApiClient({
    ...(await sdkClientConfig(options)),
    endpoint: managementUrl(url),
    // `Posts` retries, so the SDK must not.
    maxAttempts: 1,
  })
  try {
    return {
      region: await fromSdk('apiGateway', 'region', options, () => client.config.region()),
      credentials:
        credentials === undefined
          ? await fromSdk('apiGateway', 'credentials', options, () => client.config.credentials())
          : await askCredentials(credentials),
      poster: new SdkPoster(client),
    }
  } catch (error) {
    client.destroy()
    throw error
  }
}
