import { apiGatewayCarrier } from './api-gateway.js'
import { iotCarrier } from './iot.js'
import { memoryCarrier } from './memory.js'
import { mqttCarrier } from './mqtt.js'

/**
 * All transports to measure, each with a broker; to add one, add a file beside this one and a line here. `mqtt.js`
 * explains the fields.
 */
export const carriers = {
  memory: memoryCarrier,
  mqtt: mqttCarrier,
  iot: iotCarrier,
  'api-gateway': apiGatewayCarrier,
}

/** Returns the carrier of this name. @throws if it does not exist, or has no broker although `brokered` asks for one */
export function carrierOf(name, { brokered = false } = {}) {
  const carrier = Object.hasOwn(carriers, name) ? carriers[name] : undefined
  if (carrier === undefined || (brokered && carrier.startBroker === undefined))
    throw new Error(`'${name}' is no transport to measure here; there are ${names({ brokered }).join(', ')}.`)
  return carrier
}

/** The names of all carriers, or only of the carriers between processes. */
export function names({ brokered = false } = {}) {
  return Object.keys(carriers).filter((name) => !brokered || carriers[name].startBroker !== undefined)
}
