import type { SigningIdentity } from './credentials.js'
import { percentEncode, sortQuery } from './query.js'
import { ALGORITHM, headerNames, type SigningScope, scopeText, sha256, signatureOf } from './signature.js'

/** A request to any service but S3. */
export interface UnsignedRequest {
  readonly method: string
  /** Path and query are signed unchanged, so they must be encoded by `percentEncode`. */
  readonly url: URL
  /** Headers to sign. Names in lower case; values without blanks at their ends, or two in a row. @default none */
  readonly headers?: Readonly<Record<string, string>>
  /** @default none */
  readonly body?: string
}

/** Signs a request in its headers. @returns all headers except `host`, which every client sends by itself */
export function signedHeaders(
  { method, url, headers: own, body = '' }: UnsignedRequest,
  scope: SigningScope,
  { accessKeyId, secretAccessKey, sessionToken }: SigningIdentity,
): Record<string, string> {
  const sent: Record<string, string> = {
    ...own,
    'x-amz-date': scope.time,
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  }
  const request = {
    method,
    // Every service except S3 encodes the path a second time.
    path: url.pathname.split('/').map(percentEncode).join('/'),
    query: sortQuery(url.search.slice(1)),
    headers: Object.entries({ ...sent, host: url.host }).sort(),
    payloadHash: sha256(body),
  }
  const credential = `${accessKeyId}/${scopeText(scope)}`
  const signature = signatureOf(request, scope, secretAccessKey)
  sent.authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${headerNames(request.headers)}, Signature=${signature}`
  return sent
}
