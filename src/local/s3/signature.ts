import type { IncomingHttpHeaders } from 'node:http'
import {
  type ArrivedRequest,
  type Authorization,
  parseTime,
  readAuthorization,
  signatureFits,
  signsEnough,
} from '../../aws/arrived-request.js'
import type { SigningIdentity } from '../../aws/credentials.js'
import { parseQuery, percentEncode, splitOnce } from '../../aws/query.js'
import { ALGORITHM, MAX_EXPIRES_SECONDS, scopeText, UNSIGNED_PAYLOAD } from '../../aws/signature.js'
import { S3Error } from './errors.js'

/** A received request. */
export interface S3SignedRequest {
  readonly method: string
  /** Path and query from the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** The expected scope of a signature. */
export interface S3SignatureScope<I extends SigningIdentity> {
  readonly region: string
  readonly identities: readonly I[]
  /** Unix milliseconds. */
  readonly now: number
}

/** The signer, and the signed SHA-256 of the body, if the body was signed. */
export interface S3Signer<I extends SigningIdentity> {
  readonly identity: I
  readonly payloadHash: string
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
const MAX_SKEW_MS = 15 * 60_000

interface Claims extends Authorization, Pick<ArrivedRequest, 'payloadHash' | 'query'> {
  readonly time: string
  readonly token: string | undefined
}

/**
 * Checks a SigV4 signature in the headers or in the query, as S3 does; undefined for an unsigned request.
 * @throws S3Error
 */
export function verifyS3Signature<I extends SigningIdentity>(
  request: S3SignedRequest,
  scope: S3SignatureScope<I>,
): S3Signer<I> | undefined {
  const { method, url, headers } = request
  const [path = '', queryText = ''] = splitOnce(url, '?')
  const query = parseQuery(queryText)
  if (!query) throw new S3Error('InvalidURI')
  const inQuery = query.some(([name]) => name === 'X-Amz-Algorithm')
  if (!inQuery && headers.authorization === undefined) return undefined
  if (inQuery && headers.authorization !== undefined) {
    throw new S3Error('InvalidArgument', 'Only one auth mechanism allowed')
  }
  const claims = inQuery ? claimsOfQuery(query) : claimsOfHeaders(headers, query)
  const malformed = inQuery ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed'

  const { signedHeaders, payloadHash, time } = claims
  const [accessKeyId, given = ''] = splitOnce(claims.credential, '/')
  const signingScope = { time, region: scope.region, service: 's3' }
  const wanted = scopeText(signingScope)
  if (given !== wanted) {
    throw new S3Error(malformed, `The credential scope is '${given}'; expecting '${wanted}'.`)
  }
  const signedAt = parseTime(time)
  if (signedAt === undefined) throw new S3Error(malformed, 'X-Amz-Date is not of the form 20261101T120000Z')
  const identity = scope.identities.find((one) => one.accessKeyId === accessKeyId)
  if (!identity) throw new S3Error('InvalidAccessKeyId')
  if (inQuery) checkExpiry(query, signedAt, scope.now)
  else if (Math.abs(signedAt - scope.now) > MAX_SKEW_MS) throw new S3Error('RequestTimeTooSkewed')
  if (!signsEnough(headers, signedHeaders)) {
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed')
  }
  const arrived = { ...claims, method, path: canonicalPath(path), headers }
  if (!signatureFits(arrived, signingScope, identity.secretAccessKey, claims.signature)) {
    throw new S3Error('SignatureDoesNotMatch')
  }
  if ((claims.token ?? '') !== (identity.sessionToken ?? '')) throw new S3Error('InvalidToken')
  return { identity, payloadHash }
}

function claimsOfQuery(query: readonly [string, string][]): Claims {
  const values = new Map(query)
  if (values.size !== query.length) {
    throw new S3Error('AuthorizationQueryParametersError', 'A query parameter comes twice.')
  }
  const value = (name: string): string => {
    const found = values.get(name)
    if (found !== undefined) return found
    throw new S3Error(
      'AuthorizationQueryParametersError',
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  if (value('X-Amz-Algorithm') !== ALGORITHM) throw new S3Error('AuthorizationQueryParametersError')
  return {
    credential: value('X-Amz-Credential'),
    time: value('X-Amz-Date'),
    signedHeaders: value('X-Amz-SignedHeaders').split(';'),
    signature: value('X-Amz-Signature'),
    token: values.get('X-Amz-Security-Token'),
    payloadHash: values.get('X-Amz-Content-Sha256') ?? UNSIGNED_PAYLOAD,
    query: query.filter(([name]) => name !== 'X-Amz-Signature'),
  }
}

function claimsOfHeaders(headers: IncomingHttpHeaders, query: readonly [string, string][]): Claims {
  const authorization = readAuthorization(headers.authorization ?? '')
  if (!authorization) throw new S3Error('AuthorizationHeaderMalformed')
  const payloadHash = headers['x-amz-content-sha256']
  if (typeof payloadHash !== 'string') {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  const token = headers['x-amz-security-token']
  return {
    ...authorization,
    time: String(headers['x-amz-date'] ?? ''),
    token: token === undefined ? undefined : String(token),
    payloadHash,
    query,
  }
}

function checkExpiry(query: readonly [string, string][], signedAt: number, now: number): void {
  const seconds = Number(new Map(query).get('X-Amz-Expires') ?? Number.NaN)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_EXPIRES_SECONDS) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      `X-Amz-Expires must be from 1 to ${MAX_EXPIRES_SECONDS} seconds (a week)`,
    )
  }
  if (signedAt - now > MAX_SKEW_MS) throw new S3Error('AccessDenied', 'Request is not valid yet')
  if (now > signedAt + seconds * 1000) throw new S3Error('AccessDenied', 'Request has expired')
}

// S3 encodes a path once, and leaves double slashes and dots unchanged.
function canonicalPath(path: string): string {
  try {
    return path
      .split('/')
      .map((part) => percentEncode(decodeURIComponent(part)))
      .join('/')
  } catch {
    throw new S3Error('InvalidURI')
  }
}
