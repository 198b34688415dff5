import { mqtt } from 'lambda-tether/transports/mqtt'
import { startBroker } from '../broker/broker.js'
import { NO_RATE, startLocal } from '../broker/local.js'
import { mqttEcho } from './mqtt-echo.js'

/** `mqtt` over TCP, on Mosquitto if it is installed. */
export const mqttCarrier = {
  /** A broker in a process of its own; with `metered` a broker that counts messages, which Mosquitto does not. */
  startBroker: ({ metered = false, noDelay } = {}) =>
    metered ? startLocal({ limits: NO_RATE }) : startBroker({ noDelay }),
  /** The port of the broker to put a network in front of. */
  port: ({ port }) => port,
  /** The URL for both sides, with the port of the broker or of the network in front of it; gets the broker as well. */
  url: (port) => `mqtt://127.0.0.1:${port}`,
  /** The developer's side of the transport, with this URL. */
  transport: (url) => mqtt({ url }),
  /** The prebuilt stub, and the options of `stubEnvironment` besides app, stage and key. */
  bundle: 'mqtt',
  stubOptions: (url) => ({ url }),
  /** The floor: an echo over the same broker with nothing of this package in it. `name` is the asker's among several. */
  echo: ({ url, name }) => mqttEcho(url, name),
  /** Between invocations, so that no limit of the broker is near. */
  pauseMs: 0,
  /** The fewest messages that a broker meters for an invocation: here a message each way, into it and out of it. */
  leastMessages: 4,
  /**
   * Round trips of the network before a cold stub's first answer, without TCP's own: CONNECT, SUBSCRIBE, and an
   * invocation, which crosses both networks and back.
   */
  leastRoundTrips: 4,
}
