import { startProxy } from './proxy.js'

/** A port that lies `roundTripMs` from another; where that is none, the other itself, so that nothing is in between. */
export async function distance({ port, roundTripMs }) {
  return roundTripMs > 0 ? startProxy({ port, roundTripMs }) : { port, async stop() {} }
}
