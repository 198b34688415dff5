import { endpointRegion, endpointUrl } from '../../aws/endpoints.js'
import { encodeQuery, percentEncode } from '../../aws/query.js'
import type { ConnectOptions, Endpoint, SessionIdentity } from '../../core/contracts/transport.js'

/** API Gateway's name in its host names and signatures. */
export const SERVICE = 'execute-api'

/**
 * Parses an API's endpoint into a URL without a trailing slash:
 * `wss://<api>.execute-api.<region>.amazonaws.com/<stage>` as the debug stack gives it, a custom domain, or a `ws://`
 * URL such as the local cloud's.
 * @throws TetherError `INVALID_OPTION`
 */
export function apiGatewayUrl(endpoint: unknown): string {
  const words = "a URL with the API's stage, such as wss://abc123.execute-api.eu-west-1.amazonaws.com/tether"
  const url = endpointUrl(endpoint, words, isApi)
  return url.origin + url.pathname.replace(/\/+$/, '')
}

// AWS's host names need a stage in the path; a custom domain may map to one.
function isApi(url: URL): boolean {
  if (!/\.amazonaws\.[a-z.]+$/.test(url.hostname)) return true
  return url.pathname !== '/' && endpointRegion(url, SERVICE) !== undefined
}

/** Signs as a session, see `ConnectOptions`. */
export type Sign = NonNullable<ConnectOptions['sign']>

/** The identity and signature with which a session connects. */
export interface SessionProof extends SessionIdentity {
  /** When it signed, in Unix milliseconds. */
  readonly at: number
  /** Its signature, as base64url. */
  readonly sig: string
}

/**
 * Returns the URL at which an endpoint connects. The query describes the endpoint, for the relay to check and to store.
 */
export function connectUrl(url: string, { app, stage, role, name }: Endpoint, proof?: SessionProof): URL {
  const facts = { app, stage, role, name, ...proof }
  const query = encodeQuery(Object.entries(facts).map(([key, value]) => [key, String(value)]))
  return new URL(`${url}?${query}`)
}

/**
 * Returns a session's proof that it has the stage's key, valid for this host and for minutes. The signature does not
 * cover the path: behind a custom domain the relay does not learn it.
 */
export function sessionProof(
  url: string,
  { app, stage, name }: Endpoint,
  { session, epoch }: SessionIdentity,
  at: number,
  sign: Sign,
): SessionProof {
  const { host } = new URL(url)
  const signature = sign('connect', host, app, stage, name, session, epoch, at)
  return { session, epoch, at, sig: Buffer.from(signature).toString('base64url') }
}

/** Returns the base URL of the management API, the parent of `/@connections`. */
export function managementUrl(url: string): string {
  return url.replace(/^ws/, 'http')
}

/** Returns the URL for posts to one connection. */
export function postUrl(management: string, connectionId: string): URL {
  return new URL(`${management}/@connections/${percentEncode(connectionId)}`)
}
