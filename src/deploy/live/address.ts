import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import type { StubBundleName } from '../../stub/bundle.js'
import type { StubEnvironmentOptions } from '../../stub/configuration.js'
import { apiGatewayUrl } from '../../transports/api-gateway/url.js'
import { iotUrl } from '../../transports/iot/url.js'
import { mqttSettings } from '../../transports/mqtt/options.js'

/**
 * Checks that a stub would find its broker: what it refuses itself it refuses when it starts, in the function.
 * @throws TetherError `INVALID_OPTION`
 */
export function checkAddress(
  bundle: StubBundleName,
  {
    url,
    endpoint,
    ca,
    cert,
    certKey,
  }: Pick<StubEnvironmentOptions, 'url' | 'endpoint' | 'ca' | 'cert' | 'certKey'>,
): void {
  if (bundle === 'mqtt') {
    mqttSettings(defined({ url: url ?? missing(bundle, 'url', "the broker's URL"), ca, cert, key: certKey }))
  } else if (bundle === 'iot') {
    iotUrl(endpoint ?? missing(bundle, 'endpoint', 'the host that DescribeEndpoint gives for iot:Data-ATS'))
  } else {
    apiGatewayUrl(endpoint ?? missing(bundle, 'endpoint', "the debug stack's output"))
  }
}

function missing(bundle: StubBundleName, name: string, what: string): never {
  throw new TetherError('INVALID_OPTION', `The '${bundle}' stub needs '${name}' in 'stub': ${what}.`)
}
