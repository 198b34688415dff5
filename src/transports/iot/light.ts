import type { SdkCredentials } from '../../aws/credentials.js'
import { endpointRegion } from '../../aws/endpoints.js'
import type { Transport } from '../../core/contracts/transport.js'
import { lightKind } from '../mqtt/light.js'
import { type IotCommonOptions, iotTransport } from './connection.js'
import { iotUrl } from './url.js'

export interface IotLightOptions extends IotCommonOptions {
  readonly endpoint: string
  /** Used if the endpoint does not name a region; AWS's endpoints do. */
  readonly region: string
  /** Read at each connect. */
  readonly credentials: () => SdkCredentials
}

/** The small version of `iot()` for the stub: no AWS SDK, no look-up. @throws TetherError `INVALID_OPTION` */
export function iotLight(options: IotLightOptions): Transport {
  const { endpoint, credentials } = options
  const region = endpointRegion(iotUrl(endpoint), 'iot') ?? options.region
  return iotTransport(lightKind, options, async () => ({
    endpoint,
    region,
    credentials: credentials(),
  }))
}
