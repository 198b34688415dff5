import { startProxy } from './proxy.js'

/**
 * A port at a distance of `roundTripMs` from another port; without a distance, the other port itself, with no proxy in
 * between.
 */
export async function distance({ port, roundTripMs }) {
  return roundTripMs > 0 ? startProxy({ port, roundTripMs }) : { port, async stop() {} }
}
