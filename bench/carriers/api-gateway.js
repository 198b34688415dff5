import { apiGateway } from 'lambda-tether/transports/api-gateway'
import { startApiGateway } from '../broker/api-gateway.js'
import { CREDENTIALS, REGION } from '../broker/transport.js'
import { frameEcho } from './frame-echo.js'

const transport = (endpoint) => apiGateway({ endpoint, region: REGION, credentials: CREDENTIALS })

/** `api-gateway`: a WebSocket API with its relay and table, on the local cloud. */
export const apiGatewayCarrier = {
  startBroker: (options) => startApiGateway(options),
  port: ({ port }) => port,
  url: (port, { path }) => `ws://127.0.0.1:${port}${path}`,
  transport,
  bundle: 'api-gateway',
  stubOptions: (url) => ({ endpoint: url }),
  echo: ({ url }) => frameEcho(transport(url)),
  pauseMs: 0,
  // A post is metered once: as the message that its receiver gets.
  leastMessages: 2,
}
