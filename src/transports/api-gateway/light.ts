import type { SigningIdentity } from '../../aws/credentials.js'
import { endpointRegion } from '../../aws/endpoints.js'
import { defined } from '../../core/base/defined.js'
import type { Transport } from '../../core/contracts/transport.js'
import { WebSocketClient } from '../socket/web-socket-client.js'
import { HttpPoster } from './http.js'
import { type ApiGatewayCommonOptions, apiGatewayTransport } from './transport.js'
import { apiGatewayUrl, SERVICE } from './url.js'

/** How the stub reaches a debug stack. */
export interface ApiGatewayLightOptions extends ApiGatewayCommonOptions {
  /** Used if the endpoint does not name a region; AWS's endpoints do. */
  readonly region: string
  /** Read at each connect and at each post. */
  readonly credentials: () => SigningIdentity
}

/** The small version of `apiGateway()` for the stub: no AWS SDK, no look-up. @throws TetherError `INVALID_OPTION` */
export function apiGatewayLight(options: ApiGatewayLightOptions): Transport {
  const { endpoint, credentials, ca } = options
  const url = apiGatewayUrl(endpoint)
  const region = endpointRegion(url, SERVICE) ?? options.region
  return apiGatewayTransport(url, options, {
    openWebSocket: (webSocket) => new WebSocketClient(webSocket),
    access: async () => ({
      region,
      credentials: credentials(),
      poster: new HttpPoster(defined({ url, region, credentials, ca })),
    }),
  })
}
