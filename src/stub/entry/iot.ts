import { TetherError } from '../../core/errors.js'
import { iotLight } from '../../transports/iot-light.js'
import { readStubEnvironment } from '../configuration.js'
import { createStub } from '../handler.js'

const {
  endpoint,
  url: _url,
  ca: _ca,
  cert: _cert,
  certKey: _certKey,
  ...options
} = readStubEnvironment(process.env)
if (endpoint === undefined) {
  throw new TetherError(
    'INVALID_OPTION',
    "LAMBDA_TETHER_ENDPOINT is missing: this is the 'iot' stub. Set what `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints.",
  )
}

/** The deployable stub for AWS IoT Core, configured by its environment alone. */
export const handler = createStub({
  ...options,
  transport: iotLight({ endpoint, region: region(), credentials }),
})

function region(): string {
  return process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1'
}

// The function's own role: Lambda puts its credentials into the environment.
function credentials() {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  return {
    accessKeyId: AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: AWS_SECRET_ACCESS_KEY ?? '',
    ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
  }
}
