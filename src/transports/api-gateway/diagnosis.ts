import type { SdkCredentials } from '../../aws/credentials.js'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import type { DiagnosisOptions, TransportDiagnosis } from '../../core/contracts/diagnosis.js'
import type { AgentOptions } from '../../network/agent-option.js'
import { awsFactChecks } from '../diagnosis/aws-checks.js'
import { networkChecks } from '../diagnosis/network-checks.js'

/** The options that the checks read. */
export interface ApiOptionsToCheck extends AgentOptions {
  readonly region?: string | undefined
  readonly credentials?: unknown
  readonly ca?: string | undefined
  readonly clock?: Clock | undefined
}

/** The region and credentials that `apiGateway()` resolves at each connect. */
export interface ApiGatewayIdentity {
  readonly region: string
  readonly credentials: SdkCredentials
}

const PRIVATE_ADDRESS =
  "These are private addresses: an 'execute-api' endpoint with private DNS stands in for every API of the region, and serves no WebSocket API. Give the API a regional custom domain name, or turn private DNS off."

/** Returns the checks that `diagnose()` runs for an API Gateway WebSocket API. @param url with the API's stage */
export function apiGatewayDiagnosis(
  url: string,
  options: ApiOptionsToCheck,
  identity: () => Promise<ApiGatewayIdentity>,
  surroundings?: DiagnosisOptions,
): TransportDiagnosis {
  const { clock = systemClock, ca, agent } = options
  const given = { credentials: options.credentials !== undefined, region: options.region !== undefined }
  const { protocol } = new URL(url)
  return {
    checks: [
      ...awsFactChecks(
        {
          credentials: async () => (await identity()).credentials,
          region: async () => (await identity()).region,
          clock,
          given,
          protocol,
          agent,
          ca,
        },
        surroundings,
      ),
      {
        id: 'endpoint',
        run: async () => ({ outcome: 'ok', seen: `${url}, by the option.`, details: { url } }),
      },
      ...networkChecks({
        protocol,
        peer: () => ({ url: new URL(new URL(url).origin), ...defined({ ca, agent }) }),
        clock,
        privateAddress: PRIVATE_ADDRESS,
      }),
    ],
    phases: ['upgrade'],
  }
}
