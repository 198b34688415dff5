import { SigningClock } from '../../aws/signing-clock.js'
import type { AwsCredentials } from '../../aws/sigv4-sign.js'
import { untilAborted } from '../../core/base/abort.js'
import { TetherError } from '../../core/base/errors.js'
import { type Connection, checkEndpoint, type Transport } from '../../core/contracts/transport.js'
import { connectMqtt, type MqttKind } from '../mqtt/connection.js'
import { commonSettings, type MqttOptions, mqttSettings } from '../mqtt/options.js'
import { iotUrl, signIotUrl } from './url.js'

/** Where to connect, found anew at each connect. */
export interface IotTarget {
  readonly endpoint: string
  readonly region: string
  readonly credentials: AwsCredentials
}

/** What both sides' options share. */
export interface IotCommonOptions extends Pick<MqttOptions, 'ca' | 'connectTimeoutMs' | 'clock'> {
  /**
   * The largest frame, in bytes. AWS IoT closes the connection at a payload over 131,072 (128 KB).
   * @default 131072
   */
  readonly frameBytes?: number
  /** From 30 to 1,200, which is what AWS IoT clamps it to. @default 60 */
  readonly keepAliveSeconds?: number
}

// https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits
export const MAX_PAYLOAD_BYTES = 131_072
const RATE = { frames: 100, bytes: 512 * 1024, counts: 'sent+received' } as const
const LIFETIME_MS = 24 * 3_600_000
const PRICING = { unitBytes: 5 * 1024, usdPerMillionUnits: 1, usdPerMillionMinutes: 0.08 }

/** AWS IoT Core over an MQTT client of either kind. @throws TetherError `INVALID_OPTION` */
export function iotTransport(
  kind: MqttKind,
  options: IotCommonOptions,
  find: () => Promise<IotTarget>,
): Transport {
  const common = commonSettings(options, MAX_PAYLOAD_BYTES)
  const { clock } = common
  const { keepAliveSeconds = 60 } = options
  const signing = new SigningClock(clock)

  const attempt = async (
    ...[self, handlers, connectOptions]: Parameters<Transport['connect']>
  ): Promise<Connection> => {
    checkEndpoint(self)
    const { endpoint, region, credentials } = await untilAborted(find, connectOptions?.signal)
    const url = signIotUrl(iotUrl(endpoint), region, credentials, signing.now())
    const { target } = mqttSettings({
      url,
      keepAliveSeconds,
      ...(options.ca !== undefined && { ca: options.ca }),
    })
    // Credentials end by AWS's clock; `expiresAt` is by this machine's.
    const credentialsEnd = (credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - signing.behindMs
    const expiresAt = Math.min(clock.now() + LIFETIME_MS, credentialsEnd)
    return connectMqtt(kind, { ...common, target, expiresAt }, self, handlers, connectOptions)
  }
  return {
    name: 'iot',
    limits: { frameBytes: common.frameBytes, rate: RATE },
    pricing: PRICING,
    async connect(...args) {
      try {
        return await attempt(...args)
      } catch (error) {
        if (!(error instanceof TetherError && signing.corrected(error.details))) throw explained(error)
      }
      try {
        return await attempt(...args)
      } catch (error) {
        throw explained(error)
      }
    },
  }
}

function explained(error: unknown): unknown {
  if (!(error instanceof TetherError) || error.code !== 'UNREACHABLE') return error
  const advice = adviceFor(error.details)
  if (advice === undefined) return error
  return new TetherError('UNREACHABLE', `${error.message} ${advice}`, {
    cause: error.cause,
    details: error.details,
  })
}

function adviceFor({ code, statusCode }: Readonly<Record<string, unknown>>): string | undefined {
  if (code === 'ENOTFOUND') {
    return "The endpoint's name does not resolve: check it, and in an AWS account that has never used IoT wait ten minutes."
  }
  if (statusCode === 403) {
    return 'AWS IoT refused the signature or the identity: check the credentials, the region, and that iotPolicy() is attached.'
  }
  return undefined
}
