import { createHash, createHmac } from 'node:crypto'

/** Time, region and service that a signature is valid for. */
export interface SigningScope {
  /** `20261101T120000Z` */
  readonly time: string
  readonly region: string
  /** AWS's name for the service in signatures, such as `execute-api`. */
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

/** Replaces the body's hash, so that S3 accepts any body. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** The longest lifetime of a presigned URL: a week. */
export const MAX_EXPIRES_SECONDS = 604_800

/** Formats Unix milliseconds as the time of a signature. */
export function signingTime(at: number): string {
  return new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')
}

/** Formats a scope as in credentials, after the access key. */
export function scopeText({ time, region, service }: SigningScope): string {
  return `${time.slice(0, 8)}/${region}/${service}/aws4_request`
}

/** Lists the names of signed headers, as a signature does. */
export function headerNames(headers: CanonicalRequest['headers']): string {
  return headers.map(([name]) => name).join(';')
}

/**
 * Returns the signature of a request, in hexadecimal. No library: its general form would add 5 KB and several
 * asynchronous steps to every stub's cold start.
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

/** Returns the SHA-256 in hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
