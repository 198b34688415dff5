import type { Transport } from '../core/transport.js'
import { type IotCommonOptions, iotTransport } from './iot-connection.js'
import { iotUrl, regionOf } from './iot-url.js'
import { lightKind } from './mqtt-light.js'
import type { AwsCredentials } from './sigv4.js'

export interface IotLightOptions extends IotCommonOptions {
  readonly endpoint: string
  /** Used where the endpoint does not name its own, as AWS's do. */
  readonly region: string
  /** Read at each connect. */
  readonly credentials: () => AwsCredentials
}

/** The transport of `iot()` in small, for the stub: no AWS SDK, no look-up. @throws TetherError `INVALID_OPTION` */
export function iotLight(options: IotLightOptions): Transport {
  const { endpoint, credentials } = options
  iotUrl(endpoint)
  const region = regionOf(endpoint) ?? options.region
  return iotTransport(lightKind, options, async () => ({
    endpoint,
    region,
    credentials: credentials(),
  }))
}
