import type { IoTClient } from '@aws-sdk/client-iot'
import { askCredentials, type CredentialsOption } from '../aws/credentials.js'
import { endpointRegion } from '../aws/endpoints.js'
import { awsChecks, fromSdk, sdkClientConfig } from '../aws/sdk.js'
import { TetherError, withWords } from '../core/base/errors.js'
import { checkClock, checkFlag, pem, wholeNumber } from '../core/base/option-checks.js'
import { checkOptions, invalidOption } from '../core/base/options.js'
import { MIN_FRAME_BYTES, type Transport } from '../core/contracts/transport.js'
import { checkAgent } from '../network/agent-option.js'
import { type IotCommonOptions, type IotTarget, iotTransport, MAX_PAYLOAD_BYTES } from './iot/connection.js'
import { iotDiagnosis } from './iot/diagnosis.js'
import { iotUrl } from './iot/url.js'
import { checkConnectTimeout, type MqttOptions } from './mqtt/options.js'
import { sessionKind } from './mqtt/session.js'
import { describeTopic } from './mqtt/topics.js'
import { preloadWebSocket } from './socket/package-web-socket.js'

export type { AwsCredentials, CredentialsOption, SigningIdentity } from '../aws/credentials.js'
export type { IotCommonOptions } from './iot/connection.js'

export interface IotOptions extends IotCommonOptions, Pick<MqttOptions, 'presence' | 'agent'> {
  /**
   * Must match the endpoint's region, if the endpoint names one.
   * @default the endpoint's region, else the AWS SDK's, from the environment and the profile
   */
  readonly region?: string | undefined
  /**
   * The account's `iot:Data-ATS` endpoint, or a `wss://` or `ws://` URL such as the local cloud's.
   * @default the answer of `DescribeEndpoint`, asked once
   */
  readonly endpoint?: string | undefined
  /** Called, or read, at each connect. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: CredentialsOption | undefined
}

// AWS IoT accepts one retained message per topic and second. The margin allows for a first message that travels longer
// than the second.
const KEEP_EVERY_MS = 1_200

// Regions with Lambda but without IoT Core, by the endpoints in AWS's SDKs (botocore 1.43, November 2026). For advice
// only: AWS may add IoT Core to a region, so each region is tried.
const WITHOUT_IOT: readonly string[] = [
  'af-south-1',
  'ap-east-2',
  'ap-northeast-3',
  'ap-south-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-6',
  'ap-southeast-7',
  'ca-west-1',
  'eu-central-2',
  'eusc-de-east-1',
  'mx-central-1',
]

const INSTALL = 'npm install @aws-sdk/client-iot'

/**
 * Connects through AWS IoT Core: MQTT on a WebSocket. Each connect signs the URL anew with fresh credentials. Needs
 * `@aws-sdk/client-iot` unless `endpoint`, `region` and `credentials` are all given.
 * @throws TetherError `INVALID_OPTION`. `connect` throws `MISSING_DEPENDENCY` and `UNREACHABLE`, with advice if the
 * endpoint does not resolve or the signature is refused
 */
export function iot(options: IotOptions = {}): Transport {
  checkOptions('iot', options, {
    ...awsChecks,
    endpoint: (_name, value) => iotUrl(value),
    ca: pem('CERTIFICATE'),
    agent: checkAgent,
    frameBytes: wholeNumber(MIN_FRAME_BYTES, MAX_PAYLOAD_BYTES),
    keepAliveSeconds: wholeNumber(30, 1_200),
    connectTimeoutMs: checkConnectTimeout,
    presence: checkFlag,
    clock: checkClock,
  })
  checkAgreement(options)
  const kind = sessionKind(options)
  preloadWebSocket()
  let client: Promise<IoTClient> | undefined
  let described: Promise<string> | undefined

  const sdk = (): Promise<IoTClient> => {
    client ??= loadClient(options)
    // A failed load is retried: the package may have been installed meanwhile.
    client.catch(() => {
      client = undefined
    })
    return client
  }
  const regionOf = async (client: IoTClient): Promise<string> =>
    options.region ?? fromSdk('iot', 'region', options, () => client.config.region())
  const describe = (): Promise<string> => {
    described ??= sdk().then(async (client) => describeEndpoint(client, await regionOf(client), options))
    described.catch(() => {
      described = undefined
    })
    return described
  }
  const endpointOf = async () => options.endpoint ?? (await describe())
  const region = async () => {
    const known = options.region ?? (options.endpoint && endpointRegion(iotUrl(options.endpoint), 'iot'))
    return known ?? regionOf(await sdk())
  }
  const credentials = async () =>
    options.credentials === undefined
      ? fromSdk('iot', 'credentials', options, async () => (await sdk()).config.credentials())
      : askCredentials(options.credentials)
  const transport = iotTransport(kind, options, async (): Promise<IotTarget> => {
    const endpoint = await endpointOf()
    return {
      endpoint,
      region: endpointRegion(iotUrl(endpoint), 'iot') ?? (await region()),
      credentials: await credentials(),
    }
  })
  return {
    ...transport,
    describe: describeTopic,
    diagnosis: (surroundings) =>
      iotDiagnosis(options, { endpoint: endpointOf, region, credentials }, surroundings),
    ...(kind.presence && { keeps: { everyMs: KEEP_EVERY_MS } }),
  }
}

function checkAgreement({ region, endpoint }: IotOptions): void {
  const theirs = endpoint === undefined ? undefined : endpointRegion(iotUrl(endpoint), 'iot')
  if (region !== undefined && theirs !== undefined && region !== theirs)
    throw invalidOption('region', `is ${region}, and 'endpoint' is in ${theirs}: leave one of them out`)
}

async function loadClient(options: IotOptions): Promise<IoTClient> {
  let module: typeof import('@aws-sdk/client-iot')
  try {
    module = await import('@aws-sdk/client-iot')
  } catch (cause) {
    throw new TetherError(
      'MISSING_DEPENDENCY',
      `iot() needs the AWS SDK to find the endpoint, the region or credentials. Run: ${INSTALL}`,
      { cause },
    )
  }
  return new module.IoTClient(await sdkClientConfig(options))
}

async function describeEndpoint(client: IoTClient, region: string, options: IotOptions): Promise<string> {
  const { DescribeEndpointCommand } = await import('@aws-sdk/client-iot')
  try {
    return await fromSdk('iot', 'endpoint', options, async () => {
      const { endpointAddress } = await client.send(
        new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }),
      )
      if (endpointAddress === undefined) throw new Error('DescribeEndpoint gave no address')
      return endpointAddress
    })
  } catch (error) {
    if (!(error instanceof TetherError && WITHOUT_IOT.includes(region))) throw error
    throw withWords(
      error,
      ` In November 2026 AWS IoT Core was not in ${region}: use another region, or apiGateway().`,
    )
  }
}
