import type { IncomingHttpHeaders } from 'node:http'
import { parseTime, signatureFits } from './arrived-request.js'
import type { SigningIdentity } from './credentials.js'
import { parseQuery, splitOnce } from './query.js'
import { ALGORITHM, MAX_EXPIRES_SECONDS, scopeText, sha256 } from './signature.js'

/** A request signed in its query, as it arrived. */
export interface SignedQuery {
  /** Path and query, as on the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** The requirements that a signature is checked against. */
export interface QueryScope<I extends SigningIdentity> {
  readonly region: string
  readonly service: string
  readonly identities: readonly I[]
  /** Unix milliseconds. */
  readonly now: number
}

// Without X-Amz-Expires a SigV4 signature is valid for five minutes; a clock may be ahead by as much.
const SKEW_MS = 5 * 60_000

/**
 * Checks a signature in a GET request's query as AWS IoT does: over an empty body, and with `X-Amz-Security-Token`
 * appended after signing. Returns the signer, or the fault as text.
 */
export function verifyPresigned<I extends SigningIdentity>(
  { url, headers }: SignedQuery,
  { region, service, identities, now }: QueryScope<I>,
): { identity: I } | { fault: string } {
  const [path = '', queryText = ''] = splitOnce(url, '?')
  const pairs = parseQuery(queryText)
  if (!pairs) return { fault: 'the query is not percent-encoded UTF-8' }
  const values = new Map(pairs)
  if (values.size !== pairs.length) return { fault: 'a query parameter comes twice' }
  const value = (name: string) => values.get(`X-Amz-${name}`) ?? ''

  if (value('Algorithm') !== ALGORITHM) return { fault: `X-Amz-Algorithm is not ${ALGORITHM}` }
  const [accessKeyId, given = ''] = splitOnce(value('Credential'), '/')
  const identity = identities.find((one) => one.accessKeyId === accessKeyId)
  if (!identity) return { fault: 'the access key is unknown' }
  const scope = { time: value('Date'), region, service }
  const wanted = scopeText(scope)
  if (given !== wanted) return { fault: `the credential scope is '${given}', not '${wanted}'` }
  if (value('Security-Token') !== (identity.sessionToken ?? '')) {
    return { fault: 'X-Amz-Security-Token is not the session token of this access key' }
  }
  const timeFault = checkTime(scope.time, values.get('X-Amz-Expires'), now)
  if (timeFault) return { fault: timeFault }

  const signedHeaders = value('SignedHeaders').split(';')
  if (!signedHeaders.includes('host')) return { fault: "'host' is not among X-Amz-SignedHeaders" }
  const query = pairs.filter(([name]) => !['X-Amz-Signature', 'X-Amz-Security-Token'].includes(name))
  const request = { method: 'GET', path, query, headers, signedHeaders, payloadHash: sha256('') }
  return signatureFits(request, scope, identity.secretAccessKey, value('Signature'))
    ? { identity }
    : { fault: 'the signature does not fit the request' }
}

function checkTime(time: string, expires: string | undefined, now: number): string | undefined {
  const signedAt = parseTime(time)
  if (signedAt === undefined) return 'X-Amz-Date is not of the form 20261101T120000Z'
  const seconds = expires === undefined ? SKEW_MS / 1000 : Number(expires)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_EXPIRES_SECONDS) {
    return `X-Amz-Expires of ${expires} is not from 1 to ${MAX_EXPIRES_SECONDS}`
  }
  if (signedAt - now > SKEW_MS) return `the signature is ${signedAt - now} ms ahead; ${SKEW_MS} are allowed`
  const age = now - signedAt
  return age > seconds * 1000 ? `the signature is ${age} ms old; it holds for ${seconds * 1000}` : undefined
}
