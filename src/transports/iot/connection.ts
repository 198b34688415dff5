import type { SdkCredentials } from '../../aws/credentials.js'
import { SigningClock } from '../../aws/signing-clock.js'
import { untilAborted } from '../../core/base/abort.js'
import {
  type Connection,
  checkEndpoint,
  type Endpoint,
  type Transport,
} from '../../core/contracts/transport.js'
import { connectMqtt, type MqttKind } from '../mqtt/connect.js'
import { commonSettings, type MqttOptions, mqttAddress } from '../mqtt/options.js'
import { topicOf } from '../mqtt/topics.js'
import { IOT_ADVICE } from './advice.js'
import { iotUrl, signIotUrl } from './url.js'

/** Where to connect, resolved anew at each connect. */
export interface IotTarget {
  readonly endpoint: string
  readonly region: string
  readonly credentials: SdkCredentials
}

/** Options common to session and stub. */
export interface IotCommonOptions extends Pick<MqttOptions, 'ca' | 'connectTimeoutMs' | 'clock'> {
  /**
   * The largest frame, in bytes. AWS IoT closes the connection at a payload over 131,072 (128 KB).
   * @default 131072
   */
  readonly frameBytes?: number | undefined
  /** From 30 to 1,200, the range to which AWS IoT clamps it. @default 60 */
  readonly keepAliveSeconds?: number | undefined
}

// https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits
export const MAX_PAYLOAD_BYTES = 131_072
const RATE = { frames: 100, bytes: 512 * 1024, counts: 'sent+received' } as const
const LIFETIME_MS = 24 * 3_600_000
// https://aws.amazon.com/iot-core/pricing/additional-details/: a PUBLISH is metered with its topic; CONNECT and SUBSCRIBE are metered.
const PRICING = {
  unitBytes: 5 * 1024,
  usdPerMillionUnits: 1,
  usdPerMillionMinutes: 0.08,
  unitsPerConnection: 2,
  addressBytes: (to: Endpoint) => Buffer.byteLength(topicOf(to)),
}

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
    const target = {
      ...mqttAddress(new URL(url)),
      ...(options.ca !== undefined && { ca: options.ca }),
      rejectUnauthorized: true,
      protocolVersion: 4,
      keepAliveSeconds,
    } as const
    const latest = clock.now() + LIFETIME_MS
    // Credentials end by AWS's clock; `expiresAt` is by this machine's.
    const end = credentials.expiration && credentials.expiration.getTime() - signing.behindMs
    const expiresAt = Math.min(latest, end ?? latest)
    return connectMqtt(
      kind,
      { ...common, target, expiresAt, advice: IOT_ADVICE, refusesSilently: true },
      self,
      handlers,
      connectOptions,
    )
  }
  return {
    name: 'iot',
    ...(kind.presence && { watches: true }),
    limits: { frameBytes: common.frameBytes, rate: RATE },
    pricing: PRICING,
    connect: (...args) => signing.attempt(() => attempt(...args)),
  }
}
