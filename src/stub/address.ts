import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import { invalidOption } from '../core/base/options.js'
import { apiGatewayUrl } from '../transports/api-gateway/url.js'
import { MAX_PAYLOAD_BYTES } from '../transports/iot/connection.js'
import { iotUrl } from '../transports/iot/url.js'
import { mqttSettings } from '../transports/mqtt/options.js'
import type { StubBundleName } from './bundle.js'

/** The broker's address for a deployed stub. */
export interface BrokerAddress {
  /** Broker URL for the `mqtt` bundle: `mqtt://`, `mqtts://`, `ws://` or `wss://`, with user and password if needed. */
  readonly url?: string | undefined
  /** User name for the `mqtt` bundle's broker. @default the URL's */
  readonly username?: string | undefined
  /** Password; needs `username`. */
  readonly password?: string | undefined
  /**
   * `iot` bundle: `<prefix>-ats.iot.<region>.amazonaws.com`, as `DescribeEndpoint` returns it. `api-gateway` bundle:
   * `wss://<api>.execute-api.<region>.amazonaws.com/<stage>`, from the debug stack's outputs.
   */
  readonly endpoint?: string | undefined
  /**
   * Largest frame of the `mqtt` and `iot` bundles, in bytes. Set the session transport's value if its broker accepts
   * less.
   * @default 130,048 (`mqtt`) or 131,072 (`iot`, which is also its maximum)
   */
  readonly frameBytes?: number | undefined
  /** CA certificate (PEM) for the TLS of the `mqtt` and `api-gateway` bundles. */
  readonly ca?: string | undefined
  /** Client certificate and private key (PEM) for the `mqtt` bundle's TLS. */
  readonly cert?: string | undefined
  readonly certKey?: string | undefined
}

const OF_API_GATEWAY = /\.execute-api\./
const OF_MQTT = ['username', 'password', 'cert', 'certKey'] as const

/**
 * Checks a stub's broker address with the checks that the stub runs at start-up in the function.
 * @param bundle if known; otherwise `endpoint` may be AWS IoT's or API Gateway's
 * @throws TetherError `INVALID_OPTION`
 */
export function checkAddress(options: BrokerAddress, bundle?: StubBundleName): void {
  const { url, endpoint, certKey: key, username, password, frameBytes, ca, cert } = options
  if ((url === undefined) === (endpoint === undefined)) {
    throw new TetherError(
      'INVALID_OPTION',
      "Give either 'url' (an MQTT broker) or 'endpoint' (AWS IoT or API Gateway), not both or none.",
    )
  }
  if (url !== undefined) {
    if (bundle !== undefined && bundle !== 'mqtt') throw missing(bundle, 'endpoint')
    mqttSettings(defined({ url, username, password, frameBytes, ca, cert, key }))
    return
  }
  if (bundle === 'mqtt') throw missing(bundle, 'url')
  const ofMqtt = OF_MQTT.find((name) => options[name] !== undefined)
  if (ofMqtt !== undefined)
    throw invalidOption(ofMqtt, "goes with 'url', an MQTT broker's, not with 'endpoint'")
  if (bundle === undefined ? OF_API_GATEWAY.test(endpoint ?? '') : bundle === 'api-gateway')
    apiGatewayUrl(endpoint)
  else iotUrl(endpoint)
  if (frameBytes === undefined) return
  if (bundle === 'api-gateway')
    throw invalidOption('frameBytes', "is for the 'mqtt' and 'iot' stubs: API Gateway's is fixed")
  if (frameBytes > MAX_PAYLOAD_BYTES) {
    const problem = `is ${frameBytes.toLocaleString('en-US')}, and AWS IoT takes at most ${MAX_PAYLOAD_BYTES.toLocaleString('en-US')} bytes`
    throw invalidOption('frameBytes', problem)
  }
}

function missing(bundle: StubBundleName, name: string): TetherError {
  const what = {
    mqtt: "the broker's URL",
    iot: 'the host that DescribeEndpoint gives for iot:Data-ATS',
    'api-gateway': "the debug stack's output",
  }[bundle]
  return new TetherError('INVALID_OPTION', `The '${bundle}' stub needs '${name}': ${what}.`)
}
