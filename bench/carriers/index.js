import { apiGatewayCarrier } from './api-gateway.js'
import { iotCarrier } from './iot.js'
import { memoryCarrier } from './memory.js'
import { mqttCarrier } from './mqtt.js'

/**
 * Every transport that is measured, each with a broker to measure it on; adding one is a file beside this one and a line
 * here. See `mqtt.js` for what each says of itself.
 */
export const carriers = {
  memory: memoryCarrier,
  mqtt: mqttCarrier,
  iot: iotCarrier,
  'api-gateway': apiGatewayCarrier,
}

/** The carrier of this name. @throws where there is none, or none with a broker where `brokered` asks for one */
export function carrierOf(name, { brokered = false } = {}) {
  const carrier = Object.hasOwn(carriers, name) ? carriers[name] : undefined
  if (carrier === undefined || (brokered && carrier.startBroker === undefined))
    throw new Error(`'${name}' is no transport to measure here; there are ${names({ brokered }).join(', ')}.`)
  return carrier
}

/** The names of all carriers, or of those between processes. */
export function names({ brokered = false } = {}) {
  return Object.keys(carriers).filter((name) => !brokered || carriers[name].startBroker !== undefined)
}
