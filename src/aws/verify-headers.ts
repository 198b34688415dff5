import type { IncomingHttpHeaders } from 'node:http'
import { parseTime, readAuthorization, signatureFits, signsEnough } from './arrived-request.js'
import type { SigningIdentity } from './credentials.js'
import { parseQuery, percentEncode, splitOnce } from './query.js'
import { scopeText, sha256 } from './signature.js'

/** A request signed in its headers, as it arrived. */
export interface AuthorizedRequest {
  readonly method: string
  /** Path and query, as on the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** The requirements that a signature is checked against. */
export interface AuthorizationScope<I extends SigningIdentity> {
  readonly region: string
  readonly service: string
  readonly identities: readonly I[]
  /** Unix milliseconds; a signature must be fresh at one of these. */
  readonly times: readonly number[]
}

/** The reason for refusing a signature. Name and text are AWS's own, except for the numbers. */
export interface SignatureFault {
  readonly type:
    | 'MissingAuthenticationTokenException'
    | 'IncompleteSignatureException'
    | 'UnrecognizedClientException'
    | 'InvalidSignatureException'
  readonly message: string
}

const MAX_SKEW_MS = 5 * 60_000

/** Checks a signature in the header `Authorization`, as every AWS service except S3 does. */
export function verifyAuthorization<I extends SigningIdentity>(
  { method, url, headers, body }: AuthorizedRequest,
  { region, service, identities, times }: AuthorizationScope<I>,
): { readonly identity: I } | { readonly fault: SignatureFault } {
  if (headers.authorization === undefined) {
    return fault('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  const authorization = readAuthorization(headers.authorization)
  const [path = '', queryText = ''] = splitOnce(url, '?')
  const query = parseQuery(queryText)
  if (!authorization || !query) {
    return fault('IncompleteSignatureException', 'The Authorization header is not of Signature Version 4')
  }
  const time = String(headers['x-amz-date'] ?? '')
  const signedAt = parseTime(time)
  if (signedAt === undefined) {
    return fault('IncompleteSignatureException', 'X-Amz-Date is not of the form 20261101T120000Z')
  }
  const { credential, signedHeaders, signature } = authorization
  const [accessKeyId, given = ''] = splitOnce(credential, '/')
  const scope = { time, region, service }
  const wanted = scopeText(scope)
  if (given !== wanted) {
    return fault('InvalidSignatureException', `Credential should be scoped to '${wanted}', not '${given}'`)
  }
  const identity = identities.find((one) => one.accessKeyId === accessKeyId)
  // Every service except AWS IoT signs the session token as well.
  if (!identity || String(headers['x-amz-security-token'] ?? '') !== (identity.sessionToken ?? '')) {
    return fault('UnrecognizedClientException', 'The security token included in the request is invalid.')
  }
  const skewMs = Math.min(...times.map((now) => Math.abs(signedAt - now)))
  if (skewMs > MAX_SKEW_MS) {
    const skew = `signed at ${time}, ${skewMs} ms from now; ${MAX_SKEW_MS} are allowed`
    return fault('InvalidSignatureException', `Signature expired: ${skew}`)
  }
  // The path is already encoded; every service except S3 encodes it a second time.
  const encoded = path.split('/').map(percentEncode).join('/')
  const request = { method, path: encoded, query, headers, signedHeaders, payloadHash: sha256(body) }
  const fits = signatureFits(request, scope, identity.secretAccessKey, signature)
  if (!fits || !signsEnough(headers, signedHeaders)) {
    return fault(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    )
  }
  return { identity }
}

function fault(type: SignatureFault['type'], message: string): { readonly fault: SignatureFault } {
  return { fault: { type, message } }
}
