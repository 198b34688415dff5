import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import { mqttLight } from '../../transports/mqtt/light.js'
import { readStubEnvironment } from '../configuration.js'
import { deployedStub } from '../deployed-stub.js'

const options = readStubEnvironment(process.env)
const { url, username, password, frameBytes, ca, cert, certKey: key } = options
if (url === undefined) {
  throw new TetherError(
    'INVALID_OPTION',
    "LAMBDA_TETHER_URL is missing: this is the 'mqtt' stub. Set the broker's URL.",
  )
}

/** The deployable stub for any MQTT broker, configured by its environment alone. */
export const handler = deployedStub(
  options,
  mqttLight(defined({ url, username, password, frameBytes, ca, cert, key })),
)
