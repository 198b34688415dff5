import { endpointUrl } from '../../aws/endpoint-url.js'
import {
  ALGORITHM,
  type AwsCredentials,
  scopeParts,
  sha256,
  signatureOf,
  signingTime,
} from '../../aws/sigv4-sign.js'
import { TetherError } from '../../core/base/errors.js'

/**
 * An endpoint as a WebSocket URL: `<prefix>-ats.iot.<region>.amazonaws.com` as AWS gives it, or a `wss://` or `ws://`
 * URL, as the local cloud has one.
 * @throws TetherError `INVALID_OPTION`
 */
export function iotUrl(endpoint: unknown): string {
  const url = endpointUrl(endpoint)
  if (url === undefined) {
    throw new TetherError(
      'INVALID_OPTION',
      `'endpoint' must be a host such as abc123-ats.iot.eu-west-1.amazonaws.com, or a wss:// URL; it is '${String(endpoint)}'.`,
    )
  }
  url.pathname = '/mqtt'
  url.search = ''
  return url.href
}

/** The region that an endpoint of AWS's names; undefined for any other host. */
export function iotRegion(endpoint: string): string | undefined {
  const { hostname } = new URL(iotUrl(endpoint))
  return /\.iot\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(hostname)?.[1]
}

/**
 * The URL that opens MQTT over WebSocket: SigV4 in the query, over the host and an empty body; the session token is
 * appended after signing, as AWS IoT alone wants it.
 * @param at Unix milliseconds of the signature, good for five minutes around
 */
export function signIotUrl(
  endpoint: string,
  region: string,
  credentials: AwsCredentials,
  at: number,
): string {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const url = new URL(endpoint)
  const query = url.searchParams
  const scope = { time: signingTime(at), region, service: 'iotdevicegateway' }
  query.set('X-Amz-Algorithm', ALGORITHM)
  query.set('X-Amz-Credential', [accessKeyId, ...scopeParts(scope)].join('/'))
  query.set('X-Amz-Date', scope.time)
  query.set('X-Amz-SignedHeaders', 'host')
  query.sort()
  const canonical = ['GET', url.pathname, query, `host:${url.host}`, '', 'host', sha256('')].join('\n')
  query.set('X-Amz-Signature', signatureOf(canonical, scope, secretAccessKey))
  if (sessionToken !== undefined) query.set('X-Amz-Security-Token', sessionToken)
  return url.href
}
