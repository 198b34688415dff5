import { startLocal } from '../broker/local.js'
import { transportTo } from '../broker/transport.js'
import { mqttEcho } from './mqtt-echo.js'

/** `iot`: MQTT over WebSocket with signed URLs, on the local broker with AWS IoT's limits. */
export const iotCarrier = {
  startBroker: () => startLocal(),
  port: ({ webSocketPort }) => webSocketPort,
  url: (port) => `ws://127.0.0.1:${port}`,
  transport: (url) => transportTo(url),
  bundle: 'iot',
  stubOptions: (url) => ({ endpoint: url }),
  echo: ({ url, name }) => mqttEcho(`${url}/mqtt`, name),
  // Two messages each, of the hundred that a connection may carry in a second.
  pauseMs: 40,
  leastMessages: 4,
  // The WebSocket, and the round trips of `mqtt`.
  leastRoundTrips: 5,
}
