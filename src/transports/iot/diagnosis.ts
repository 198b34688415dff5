import type { SdkCredentials } from '../../aws/credentials.js'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import type { DiagnosisOptions, TransportDiagnosis } from '../../core/contracts/diagnosis.js'
import type { AgentOptions } from '../../network/agent-option.js'
import { awsFactChecks } from '../diagnosis/aws-checks.js'
import { networkChecks } from '../diagnosis/network-checks.js'
import { iotUrl } from './url.js'

/** The options that the checks read. */
export interface IotOptionsToCheck extends AgentOptions {
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly credentials?: unknown
  readonly ca?: string | undefined
  readonly clock?: Clock | undefined
}

/** The parts that `iot()` resolves at each connect. */
export interface IotParts {
  endpoint(): Promise<string>
  region(): Promise<string>
  credentials(): Promise<SdkCredentials>
}

const PRIVATE_ADDRESS =
  "These are private addresses, so a VPC endpoint or a private zone stands in for AWS IoT: it must be an 'iot.data' endpoint, with a private hosted zone for this name."

/** Returns the checks that `diagnose()` runs for AWS IoT. */
export function iotDiagnosis(
  options: IotOptionsToCheck,
  { endpoint, region, credentials }: IotParts,
  surroundings?: DiagnosisOptions,
): TransportDiagnosis {
  const { clock = systemClock, ca, agent } = options
  let url: URL | undefined
  const given = { credentials: options.credentials !== undefined, region: options.region !== undefined }
  const protocol = options.endpoint === undefined ? 'wss:' : new URL(iotUrl(options.endpoint)).protocol
  return {
    checks: [
      ...awsFactChecks({ credentials, region, clock, given, protocol, agent, ca }, surroundings),
      {
        id: 'endpoint',
        needs: options.endpoint === undefined ? ['credentials', 'region'] : [],
        run: async () => {
          url = new URL(new URL(iotUrl(await endpoint())).origin)
          const source = options.endpoint === undefined ? 'DescribeEndpoint' : 'the option'
          return { outcome: 'ok', seen: `${url.origin}, by ${source}.`, details: { url: url.origin } }
        },
      },
      ...networkChecks({
        protocol,
        peer: () => ({ url: url!, ...defined({ ca, agent }) }),
        clock,
        privateAddress: PRIVATE_ADDRESS,
      }),
    ],
    phases: ['upgrade', 'connect', 'subscribe'],
  }
}
