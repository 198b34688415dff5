import type { AwsCredentials } from '../../aws/sigv4-sign.js'
import type { Transport } from '../../core/contracts/transport.js'
import { lightKind } from '../mqtt/light.js'
import { type IotCommonOptions, iotTransport } from './connection.js'
import { iotRegion, iotUrl } from './url.js'

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
  const region = iotRegion(endpoint) ?? options.region
  return iotTransport(lightKind, options, async () => ({
    endpoint,
    region,
    credentials: credentials(),
  }))
}
