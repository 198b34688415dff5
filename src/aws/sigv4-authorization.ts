import type { IncomingHttpHeaders } from 'node:http'
import {
  ALGORITHM,
  parseQuery,
  parseTime,
  percentEncode,
  type SigningIdentity,
  sha256,
  signatureFits,
  splitOnce,
} from './sigv4.js'

/** A request signed in its headers, as it arrived. */
export interface AuthorizedRequest {
  readonly method: string
  /** Path and query, as on the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** What a signature must fit. */
export interface AuthorizationScope<I extends SigningIdentity> {
  readonly region: string
  readonly service: string
  readonly identities: readonly I[]
  /** Unix milliseconds; a signature must be fresh at one of these. */
  readonly times: readonly number[]
}

/** Why a signature was refused: the error's name and text are AWS's own, but for the numbers. */
export interface SignatureFault {
  readonly type:
    | 'MissingAuthenticationTokenException'
    | 'IncompleteSignatureException'
    | 'UnrecognizedClientException'
    | 'InvalidSignatureException'
  readonly message: string
}

const MAX_SKEW_MS = 5 * 60_000

/** Checks a SigV4 signature in the `Authorization` header, as every AWS service but S3 does. */
export function verifyAuthorization<I extends SigningIdentity>(
  request: AuthorizedRequest,
  scope: AuthorizationScope<I>,
): { readonly identity: I } | { readonly fault: SignatureFault } {
  const { method, url, headers, body } = request
  const text = headers.authorization
  if (text === undefined) return fault('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const field = (name: string) => new RegExp(`[ ,]${name}=([^, ]+)`).exec(text)?.[1]
  const credential = field('Credential')?.split('/')
  const signedHeaders = field('SignedHeaders')?.split(';')
  const signature = field('Signature')
  const time = String(headers['x-amz-date'] ?? '')
  const signedAt = parseTime(time)
  const [path = '', queryText = ''] = splitOnce(url, '?')
  const query = parseQuery(queryText)
  if (!text.startsWith(`${ALGORITHM} `) || !credential || !signedHeaders || !signature || !query) {
    return fault('IncompleteSignatureException', 'The Authorization header is not of Signature Version 4')
  }
  if (signedAt === undefined) {
    return fault('IncompleteSignatureException', 'X-Amz-Date is not of the form 20261101T120000Z')
  }
  const wanted = [time.slice(0, 8), scope.region, scope.service, 'aws4_request']
  if (credential.slice(1).join('/') !== wanted.join('/')) {
    const given = credential.slice(1).join('/')
    return fault(
      'InvalidSignatureException',
      `Credential should be scoped to '${wanted.join('/')}', not '${given}'`,
    )
  }
  const identity = scope.identities.find(({ accessKeyId }) => accessKeyId === credential[0])
  // A session token is signed along, but for AWS IoT.
  if (!identity || String(headers['x-amz-security-token'] ?? '') !== (identity.sessionToken ?? '')) {
    return fault('UnrecognizedClientException', 'The security token included in the request is invalid.')
  }
  const skewMs = Math.min(...scope.times.map((now) => Math.abs(signedAt - now)))
  if (skewMs > MAX_SKEW_MS) {
    const skew = `signed at ${time}, ${skewMs} ms from now; ${MAX_SKEW_MS} are allowed`
    return fault('InvalidSignatureException', `Signature expired: ${skew}`)
  }
  const unsigned = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))].filter(
    (name) => !signedHeaders.includes(name),
  )
  const parts = {
    method,
    // Encoded as it came, and once more: S3 alone does not.
    path: path.split('/').map(percentEncode).join('/'),
    query,
    headers,
    signedHeaders,
    payloadHash: sha256(body),
    time,
    scope: wanted,
  }
  const fits = signatureFits(parts, identity.secretAccessKey, signature)
  if (unsigned.length > 0 || !fits) {
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
