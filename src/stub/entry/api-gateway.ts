import { roleCredentials } from '../../aws/credentials.js'
import { functionRegion } from '../../aws/endpoints.js'
import { TetherError } from '../../core/base/errors.js'
import { apiGatewayLight } from '../../transports/api-gateway/light.js'
import { readStubEnvironment } from '../configuration.js'
import { deployedStub } from '../deployed-stub.js'

const options = readStubEnvironment(process.env)
const { endpoint, ca } = options
if (endpoint === undefined) {
  throw new TetherError(
    'INVALID_OPTION',
    "LAMBDA_TETHER_ENDPOINT is missing: this is the 'api-gateway' stub. Set the debug stack's output, wss://…/<stage>.",
  )
}

/** The deployable stub for API Gateway, configured by its environment alone. */
export const handler = deployedStub(
  options,
  apiGatewayLight({
    endpoint,
    region: functionRegion(),
    credentials: () => roleCredentials(),
    ...(ca === undefined ? {} : { ca }),
  }),
)
