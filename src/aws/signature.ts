import { createHash, createHmac } from 'node:crypto'

/** When, where and for what a signature is good. */
export interface SigningScope {
  /** `20261101T120000Z` */
  readonly time: string
  readonly region: string
  /** As AWS names it in signatures, such as `execute-api`. */
  readonly service: string
}

/** A request in the form that is signed. */
export interface CanonicalRequest {
  readonly method: string
  /** Percent-encoded, once for S3 and twice for every other service. */
  readonly path: string
  /** Percent-encoded and sorted, as `sortQuery` gives it. */
  readonly query: string
  /** Lower-case names and values, sorted by name. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** SHA-256 of the body in hexadecimal, or {@link UNSIGNED_PAYLOAD}. */
  readonly payloadHash: string
}

/** The algorithm of Signature Version 4. */
export const ALGORITHM = 'AWS4-HMAC-SHA256'

/** Stands for the body's hash where S3 is to take any body. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** The longest that a presigned URL may be good: a week. */
export const MAX_EXPIRES_SECONDS = 604_800

/** Unix milliseconds as a signature's time. */
export function signingTime(at: number): string {
  return new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')
}

/** A scope as credentials name it, after the access key. */
export function scopeText({ time, region, service }: SigningScope): string {
  return `${time.slice(0, 8)}/${region}/${service}/aws4_request`
}

/** The names of signed headers, as a signature lists them. */
export function headerNames(headers: CanonicalRequest['headers']): string {
  return headers.map(([name]) => name).join(';')
}

/**
 * The signature of a request, in hexadecimal. Written out: a library's general form is 5 KB and several asynchronous
 * steps of every stub's cold start.
 */
export function signatureOf(
  { method, path, query, headers, payloadHash }: CanonicalRequest,
  scope: SigningScope,
  secretAccessKey: string,
): string {
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
  const lines = headers.map((header) => header.join(':'))
  const canonical = [method, path, query, ...lines, '', headerNames(headers), payloadHash].join('\n')
  const scoped = scopeText(scope)
  const toSign = [ALGORITHM, scope.time, scoped, sha256(canonical)].join('\n')
  const key = scoped.split('/').reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  return hmac(key, toSign).toString('hex')
}

/** In hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
