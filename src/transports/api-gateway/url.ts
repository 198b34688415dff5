import { endpointUrl } from '../../aws/endpoint-url.js'
import { percentEncode } from '../../aws/sigv4-sign.js'
import { TetherError } from '../../core/base/errors.js'
import type { Endpoint, SessionIdentity } from '../../core/contracts/transport.js'

/**
 * An API's endpoint as a URL without a slash at its end: `wss://<api>.execute-api.<region>.amazonaws.com/<stage>` as
 * the debug stack gives it, a domain of one's own, or a `ws://` URL such as the local cloud's.
 * @throws TetherError `INVALID_OPTION`
 */
export function apiGatewayUrl(endpoint: unknown): string {
  const url = endpointUrl(endpoint)
  if (url === undefined || !isApi(url)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'endpoint' must be a URL with the API's stage, such as wss://abc123.execute-api.eu-west-1.amazonaws.com/tether; it is '${String(endpoint)}'.`,
    )
  }
  return url.origin.replace(/\/$/, '') + url.pathname.replace(/\/+$/, '')
}

// AWS's own names have a stage; a domain of one's own may stand for one.
function isApi({ hostname, pathname, href }: URL): boolean {
  return (
    !/\.amazonaws\.com(\.cn)?$/.test(hostname) || (apiGatewayRegion(href) !== undefined && pathname !== '/')
  )
}

/** The region that an endpoint of AWS's names; undefined for any other host. */
export function apiGatewayRegion(url: string): string | undefined {
  const { hostname } = new URL(url)
  return /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(hostname)?.[1]
}

/** Where an endpoint connects: who it is, for the relay's table. */
export function connectUrl(url: string, self: Endpoint, identity: SessionIdentity | undefined): URL {
  const { app, stage, role, name } = self
  const facts = { app, stage, role, name, ...identity }
  const query = Object.entries(facts).map(([key, value]) => `${key}=${percentEncode(String(value))}`)
  return new URL(`${url}?${query.join('&')}`)
}

/** The base of the management API, below which `/@connections` lies. */
export function managementUrl(url: string): string {
  return url.replace(/^ws/, 'http')
}

/** Where a text for one connection is posted. */
export function postUrl(management: string, connectionId: string): URL {
  return new URL(`${management}/@connections/${percentEncode(connectionId)}`)
}
