import { endpointRegion, endpointUrl } from '../../aws/endpoints.js'
import { encodeQuery, percentEncode } from '../../aws/query.js'
import type { ConnectOptions, Endpoint, SessionIdentity } from '../../core/contracts/transport.js'

/** API Gateway's name in its host names and signatures. */
export const SERVICE = 'execute-api'

/**
 * An API's endpoint as a URL without a slash at its end: `wss://<api>.execute-api.<region>.amazonaws.com/<stage>` as
 * the debug stack gives it, a domain of one's own, or a `ws://` URL such as the local cloud's.
 * @throws TetherError `INVALID_OPTION`
 */
export function apiGatewayUrl(endpoint: unknown): string {
  const words = "a URL with the API's stage, such as wss://abc123.execute-api.eu-west-1.amazonaws.com/tether"
  const url = endpointUrl(endpoint, words, isApi)
  return url.origin + url.pathname.replace(/\/+$/, '')
}

// AWS's own names need a stage; a domain of your own may stand for one.
function isApi(url: URL): boolean {
  if (!/\.amazonaws\.[a-z.]+$/.test(url.hostname)) return true
  return url.pathname !== '/' && endpointRegion(url, SERVICE) !== undefined
}

/** Signs as a session, see `ConnectOptions`. */
export type Sign = NonNullable<ConnectOptions['sign']>

/** What a session says of itself as it connects. */
export interface SessionProof extends SessionIdentity {
  /** When it signed, in Unix milliseconds. */
  readonly at: number
  /** Its signature, as base64url. */
  readonly sig: string
}

/** Where an endpoint connects: who it is, for the relay to check and to write down. */
export function connectUrl(url: string, { app, stage, role, name }: Endpoint, proof?: SessionProof): URL {
  const facts = { app, stage, role, name, ...proof }
  const query = encodeQuery(Object.entries(facts).map(([key, value]) => [key, String(value)]))
  return new URL(`${url}?${query}`)
}

/**
 * A session's proof that it has the stage's key, which holds for this host and for minutes. The path is left out: below a domain
 * of one's own the relay does not learn it.
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

/** The base of the management API, below which `/@connections` lies. */
export function managementUrl(url: string): string {
  return url.replace(/^ws/, 'http')
}

/** Where a text for one connection is posted. */
export function postUrl(management: string, connectionId: string): URL {
  return new URL(`${management}/@connections/${percentEncode(connectionId)}`)
}
