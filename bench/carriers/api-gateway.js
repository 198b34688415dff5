import { apiGateway } from 'lambda-tether/transports/api-gateway'
import { startApiGateway } from '../broker/api-gateway.js'
import { CREDENTIALS, REGION } from '../broker/transport.js'
import { apiGatewayEcho } from './api-gateway-echo.js'

/** `api-gateway`: a WebSocket API with its relay and table, on the local cloud. */
export const apiGatewayCarrier = {
  startBroker: ({ key }) => startApiGateway({ key }),
  port: ({ port }) => port,
  url: (port, { path }) => `ws://127.0.0.1:${port}${path}`,
  transport: (endpoint) => apiGateway({ endpoint, region: REGION, credentials: CREDENTIALS }),
  bundle: 'api-gateway',
  stubOptions: (url) => ({ endpoint: url }),
  echo: ({ url, name }) => apiGatewayEcho(url, name),
  pauseMs: 0,
  // A post is metered once: as the message that its receiver gets.
  leastMessages: 2,
  // The WebSocket, and an invocation.
  leastRoundTrips: 3,
}
