import type { IncomingHttpHeaders } from 'node:http'
import {
  ALGORITHM,
  parseQuery,
  parseTime,
  type SigningIdentity,
  sha256,
  signatureFits,
  splitOnce,
} from './sigv4.js'

export type { SigningIdentity } from './sigv4.js'

/** A request signed in its query, as it arrived. */
export interface SignedQuery {
  /** Path and query, as on the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** What a signature must fit. */
export interface SignatureScope<I extends SigningIdentity> {
  readonly region: string
  readonly service: string
  readonly identities: readonly I[]
  /** Unix milliseconds. */
  readonly now: number
}

// Without X-Amz-Expires a SigV4 signature holds for five minutes; the same is allowed for a clock that is ahead.
const SKEW_MS = 5 * 60_000
const MAX_EXPIRES_SECONDS = 604_800

/**
 * Checks a SigV4 signature in a GET request's query, the way AWS IoT wants it: over an empty body, and with
 * `X-Amz-Security-Token` appended after signing. Gives the signer, or a text that says what is wrong.
 */
export function verifyPresigned<I extends SigningIdentity>(
  request: SignedQuery,
  scope: SignatureScope<I>,
): { identity: I } | { fault: string } {
  const [path = '', queryText = ''] = splitOnce(request.url, '?')
  const pairs = parseQuery(queryText)
  if (!pairs) return { fault: 'the query is not percent-encoded UTF-8' }
  const query = new Map(pairs)
  if (query.size !== pairs.length) return { fault: 'a query parameter comes twice' }

  if (query.get('X-Amz-Algorithm') !== ALGORITHM) return { fault: `X-Amz-Algorithm is not ${ALGORITHM}` }
  const time = query.get('X-Amz-Date') ?? ''
  const credential = (query.get('X-Amz-Credential') ?? '').split('/')
  const identity = scope.identities.find(({ accessKeyId }) => accessKeyId === credential[0])
  if (!identity) return { fault: 'the access key is unknown' }
  const wanted = [time.slice(0, 8), scope.region, scope.service, 'aws4_request']
  if (credential.slice(1).join('/') !== wanted.join('/')) {
    return { fault: `the credential scope is '${credential.slice(1).join('/')}', not '${wanted.join('/')}'` }
  }
  if ((query.get('X-Amz-Security-Token') ?? '') !== (identity.sessionToken ?? '')) {
    return { fault: 'X-Amz-Security-Token is not the session token of this access key' }
  }
  const timeFault = checkTime(time, query.get('X-Amz-Expires'), scope.now)
  if (timeFault) return { fault: timeFault }

  const signedHeaders = (query.get('X-Amz-SignedHeaders') ?? '').split(';')
  if (!signedHeaders.includes('host')) return { fault: "'host' is not among X-Amz-SignedHeaders" }
  const unsigned = ['X-Amz-Signature', 'X-Amz-Security-Token']
  const parts = {
    method: 'GET',
    path,
    query: pairs.filter(([name]) => !unsigned.includes(name)),
    headers: request.headers,
    signedHeaders,
    payloadHash: sha256(''),
    time,
    scope: wanted,
  }
  if (!signatureFits(parts, identity.secretAccessKey, query.get('X-Amz-Signature') ?? '')) {
    return { fault: 'the signature does not fit the request' }
  }
  return { identity }
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
