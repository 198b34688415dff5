import { abortError, TetherError, throwIfAborted } from '../core/errors.js'
import { type Connection, checkEndpoint, type Transport } from '../core/transport.js'
import { type AwsCredentials, iotUrl, signIotUrl } from './iot-url.js'
import { connectMqtt, type MqttKind } from './mqtt-connection.js'
import { checkCommonOptions, checkInteger, checkMqttOptions, type MqttOptions } from './mqtt-options.js'

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
const MAX_PAYLOAD_BYTES = 131_072
const RATE = { frames: 100, bytes: 512 * 1024, counts: 'sent+received' } as const
const LIFETIME_MS = 24 * 3_600_000
const PRICING = { unitBytes: 5 * 1024, usdPerMillionUnits: 1, usdPerMillionMinutes: 0.08 }
// A signature holds for five minutes; a difference this small is the network's.
const CLOCK_TOLERANCE_MS = 30_000

/** AWS IoT Core over an MQTT client of either kind. @throws TetherError `INVALID_OPTION` */
export function iotTransport(
  kind: MqttKind,
  options: IotCommonOptions,
  find: () => Promise<IotTarget>,
): Transport {
  const common = checkCommonOptions(options, MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES)
  const keepAliveSeconds = checkInteger('keepAliveSeconds', options.keepAliveSeconds, 60, 30, 1_200)
  const { clock } = common
  /** How far this machine's clock is behind AWS's, as far as a refusal has told. */
  let clockErrorMs = 0

  const attempt = async (
    ...[self, handlers, connectOptions]: Parameters<Transport['connect']>
  ): Promise<Connection> => {
    checkEndpoint(self)
    const { endpoint, region, credentials } = await untilAborted(find, connectOptions?.signal)
    const now = clock.now()
    const url = signIotUrl(iotUrl(endpoint), region, credentials, now + clockErrorMs)
    const { target } = checkMqttOptions({
      url,
      keepAliveSeconds,
      ...(options.ca !== undefined && { ca: options.ca }),
    })
    // Credentials end by AWS's clock; `expiresAt` is by this machine's.
    const credentialsEnd = (credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - clockErrorMs
    const expiresAt = Math.min(now + LIFETIME_MS, credentialsEnd)
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
        const behindMs = refusedForItsTime(error, clock.now() + clockErrorMs)
        if (behindMs === undefined) throw explained(error)
        clockErrorMs += behindMs
      }
      try {
        return await attempt(...args)
      } catch (error) {
        throw explained(error)
      }
    },
  }
}

/** What `find` finds, unless the signal fires first: a login or a look-up may take as long as it likes. */
async function untilAborted<T>(find: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return find()
  throwIfAborted(signal)
  let onAbort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  return Promise.race([find(), aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

/** How far the signature's time was off, where that may be why it was refused. */
function refusedForItsTime(error: unknown, signedAt: number): number | undefined {
  const { statusCode, date } = error instanceof TetherError ? error.details : {}
  const behindMs = Date.parse(String(date)) - signedAt
  return statusCode === 403 && Math.abs(behindMs) > CLOCK_TOLERANCE_MS ? behindMs : undefined
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
