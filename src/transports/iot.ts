import type { IoTClient } from '@aws-sdk/client-iot'
import { TetherError } from '../core/errors.js'
import type { Transport } from '../core/transport.js'
import { type IotCommonOptions, type IotTarget, iotTransport } from './iot-connection.js'
import { type AwsCredentials, iotUrl, regionOf } from './iot-url.js'
import type { MqttOptions } from './mqtt-options.js'
import { sessionKind } from './mqtt-session.js'

export type { IotCommonOptions } from './iot-connection.js'
export type { AwsCredentials } from './iot-url.js'

export interface IotOptions extends IotCommonOptions, Pick<MqttOptions, 'presence'> {
  /** @default the endpoint's, else what the AWS SDK finds in the environment and the profile */
  readonly region?: string
  /**
   * The account's `iot:Data-ATS` endpoint, or a `wss://` or `ws://` URL such as the local cloud's.
   * @default what `DescribeEndpoint` says, asked once
   */
  readonly endpoint?: string
  /** Called, or read, at each connect. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: AwsCredentials | (() => AwsCredentials | Promise<AwsCredentials>)
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
  checkOptions(options)
  const kind = sessionKind(options.presence)
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
    described ??= sdk().then(describeEndpoint)
    described.catch(() => {
      described = undefined
    })
    return described
  }
  const transport = iotTransport(kind, options, async (): Promise<IotTarget> => {
    const endpoint = options.endpoint ?? (await describe())
    const region =
      options.region ??
      regionOf(endpoint) ??
      (await fromSdk('region', async () => (await sdk()).config.region()))
    const credentials = await credentialsOf(options, sdk)
    return { endpoint, region, credentials }
  })
  return kind.presence ? { ...transport, keeps: { everyMs: KEEP_EVERY_MS } } : transport
}

function checkOptions({ endpoint, region, credentials }: IotOptions): void {
  if (endpoint !== undefined) iotUrl(String(endpoint))
  if (region !== undefined && !/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(String(region))) {
    throw new TetherError(
      'INVALID_OPTION',
      `'region' must be an AWS region such as eu-west-1; it is '${String(region)}'.`,
    )
  }
  if (credentials === undefined || typeof credentials === 'function') return
  checkCredentials(credentials)
}

function checkCredentials(credentials: AwsCredentials): AwsCredentials {
  for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
    if (typeof credentials?.[name] !== 'string' || credentials[name] === '') {
      throw new TetherError('INVALID_OPTION', `'credentials' must have '${name}', a text that is not empty.`)
    }
  }
  return credentials
}

async function credentialsOf(
  { credentials }: IotOptions,
  sdk: () => Promise<IoTClient>,
): Promise<AwsCredentials> {
  if (credentials === undefined) return fromSdk('credentials', async () => (await sdk()).config.credentials())
  if (typeof credentials !== 'function') return credentials
  return checkCredentials(await callerCredentials(credentials))
}

async function callerCredentials(
  credentials: () => AwsCredentials | Promise<AwsCredentials>,
): Promise<AwsCredentials> {
  try {
    return await credentials()
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    throw new TetherError('UNREACHABLE', `iot()'s 'credentials' failed: ${(cause as Error).message}`, {
      cause,
    })
  }
}

async function loadClient({
  region,
  credentials,
  connectTimeoutMs = 10_000,
}: IotOptions): Promise<IoTClient> {
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
  return new module.IoTClient({
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
  })
}

async function describeEndpoint(client: IoTClient): Promise<string> {
  const { DescribeEndpointCommand } = await import('@aws-sdk/client-iot')
  return fromSdk('endpoint', async () => {
    const { endpointAddress } = await client.send(
      new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }),
    )
    if (endpointAddress === undefined) throw new Error('DescribeEndpoint gave no address')
    return endpointAddress
  })
}

/** Asks the AWS SDK, which may need the network, a profile or a login. */
async function fromSdk<T>(what: 'endpoint' | 'region' | 'credentials', ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    throw new TetherError(
      'UNREACHABLE',
      `The AWS SDK could not find the ${what}: ${(cause as Error).message} Pass '${what}' to iot(), or log in.`,
      { cause },
    )
  }
}
