import { roleCredentials } from '../../aws/credentials.js'
import { functionRegion } from '../../aws/endpoints.js'
import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import { iotLight } from '../../transports/iot/light.js'
import { readStubEnvironment } from '../configuration.js'
import { deployedStub } from '../deployed-stub.js'

const options = readStubEnvironment(process.env)
const { endpoint, frameBytes } = options
if (endpoint === undefined) {
  throw new TetherError(
    'INVALID_OPTION',
    "LAMBDA_TETHER_ENDPOINT is missing: this is the 'iot' stub. Set what `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints.",
  )
}

/** The deployable stub for AWS IoT Core, configured by its environment alone. */
export const handler = deployedStub(
  options,
  iotLight(defined({ endpoint, frameBytes, region: functionRegion(), credentials: () => roleCredentials() })),
)
