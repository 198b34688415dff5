import type { SigningIdentity } from './credentials.js'
import { percentEncode } from './query.js'
import {
  ALGORITHM,
  type CanonicalRequest,
  headerNames,
  type SigningScope,
  scopeText,
  signatureOf,
} from './signature.js'

/** A request to sign now. Any holder of the URL can send it later. */
export interface PresignableRequest extends Pick<CanonicalRequest, 'method' | 'headers' | 'payloadHash'> {
  /** Without a query. The path is signed unchanged, so it must be encoded by `percentEncode`. */
  readonly url: URL
  /** `X-Amz-Expires` and `X-Amz-Security-Token`, encoded and in this order, each after an `&`. @default neither */
  readonly more?: string
}

/** Signs a request in the query of its URL. */
export function presignedUrl(
  { method, url, headers, payloadHash, more = '' }: PresignableRequest,
  scope: SigningScope,
  { accessKeyId, secretAccessKey }: SigningIdentity,
): string {
  const credential = percentEncode(`${accessKeyId}/${scopeText(scope)}`)
  const names = percentEncode(headerNames(headers))
  // Already sorted by name, as the signature requires.
  const query = `X-Amz-Algorithm=${ALGORITHM}&X-Amz-Credential=${credential}&X-Amz-Date=${scope.time}${more}&X-Amz-SignedHeaders=${names}`
  const request = { method, path: url.pathname, query, headers, payloadHash }
  return `${url.origin}${url.pathname}?${query}&X-Amz-Signature=${signatureOf(request, scope, secretAccessKey)}`
}
