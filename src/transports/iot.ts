import type { IoTClient } from '@aws-sdk/client-iot'
import { askCredentials, type CredentialsOption } from '../aws/credentials.js'
import { endpointRegion } from '../aws/endpoints.js'
import { awsChecks, fromSdk, sdkClientConfig } from '../aws/sdk.js'
import { TetherError } from '../core/base/errors.js'
import { checkClock, checkFlag, checkSecret, wholeNumber } from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import { MIN_FRAME_BYTES, type Transport } from '../core/contracts/transport.js'
import { checkAgent } from '../network/agent-option.js'
import { type IotCommonOptions, type IotTarget, iotTransport, MAX_PAYLOAD_BYTES } from './iot/connection.js'
import { iotUrl } from './iot/url.js'
import { checkConnectTimeout, type MqttOptions } from './mqtt/options.js'
import { sessionKind } from './mqtt/session.js'
import { preloadWebSocket } from './socket/package-web-socket.js'

export type { AwsCredentials, CredentialsOption, SigningIdentity } from '../aws/credentials.js'
export type { IotCommonOptions } from './iot/connection.js'

export interface IotOptions extends IotCommonOptions, Pick<MqttOptions, 'presence' | 'agent'> {
  /** @default the endpoint's, else what the AWS SDK finds in the environment and the profile */
  readonly region?: string | undefined
  /**
   * The account's `iot:Data-ATS` endpoint, or a `wss://` or `ws://` URL such as the local cloud's.
   * @default what `DescribeEndpoint` says, asked once
   */
  readonly endpoint?: string | undefined
  /** Called, or read, at each connect. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: CredentialsOption | undefined
}

// AWS IoT takes one retained message per topic and second; of two, the first may be longer on its way than the second.
const KEEP_EVERY_MS = 1_200

const INSTALL = 'npm install @aws-sdk/client-iot'

/**
 * AWS IoT Core, over MQTT on a WebSocket whose URL is signed anew with fresh credentials at each connect. Needs
 * `@aws-sdk/client-iot` unless `endpoint`, `region` and `credentials` are all given.
 * @throws TetherError `INVALID_OPTION`. `connect` throws `MISSING_DEPENDENCY` and `UNREACHABLE`, with advice where the
 * endpoint does not resolve or the signature is refused
 */
export function iot(options: IotOptions = {}): Transport {
  checkOptions('iot', options, {
    ...awsChecks,
    endpoint: (_name, value) => iotUrl(value),
    ca: checkSecret,
    agent: checkAgent,
    frameBytes: wholeNumber(MIN_FRAME_BYTES, MAX_PAYLOAD_BYTES),
    keepAliveSeconds: wholeNumber(30, 1_200),
    connectTimeoutMs: checkConnectTimeout,
    presence: checkFlag,
    clock: checkClock,
  })
  const kind = sessionKind(options)
  preloadWebSocket()
  let client: Promise<IoTClient> | undefined
  let described: Promise<string> | undefined

  const sdk = (): Promise<IoTClient> => {
    client ??= loadClient(options)
    // What failed is tried again: it may have been installed.
    client.catch(() => {
      client = undefined
    })
    return client
  }
  const describe = (): Promise<string> => {
    described ??= sdk().then((client) => describeEndpoint(client, options))
    described.catch(() => {
      described = undefined
    })
    return described
  }
  const transport = iotTransport(kind, options, async (): Promise<IotTarget> => {
    const endpoint = options.endpoint ?? (await describe())
    const region =
      options.region ??
      endpointRegion(iotUrl(endpoint), 'iot') ??
      (await fromSdk('iot', 'region', options, async () => (await sdk()).config.region()))
    const credentials =
      options.credentials === undefined
        ? await fromSdk('iot', 'credentials', options, async () => (await sdk()).config.credentials())
        : await askCredentials(options.credentials)
    return { endpoint, region, credentials }
  })
  return kind.presence ? { ...transport, keeps: { everyMs: KEEP_EVERY_MS } } : transport
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

async function describeEndpoint(client: IoTClient, options: IotOptions): Promise<string> {
  const { DescribeEndpointCommand } = await import('@aws-sdk/client-iot')
  return fromSdk('iot', 'endpoint', options, async () => {
    const { endpointAddress } = await client.send(
      new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }),
    )
    if (endpointAddress === undefined) throw new Error('DescribeEndpoint gave no address')
    return endpointAddress
  })
}
