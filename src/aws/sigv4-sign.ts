import { createHash, createHmac } from 'node:crypto'

/** Credentials as every AWS SDK gives them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** When they end; a connection that ends with them is replaced before. */
  readonly expiration?: Date
}

/** What a signature is good for. */
export interface SigningScope {
  /** `20261101T120000Z` */
  readonly time: string
  readonly region: string
  readonly service: string
}

/** A request whose headers are to be signed. */
export interface UnsignedRequest {
  readonly method: 'GET' | 'POST'
  /** Its path and query are signed as they are: percent-encoded as {@link percentEncode} does. */
  readonly url: URL
  /** @default none */
  readonly body?: string
}

/** The one that there is. */
export const ALGORITHM = 'AWS4-HMAC-SHA256'

/** Unix milliseconds as a signature's time. */
export function signingTime(at: number): string {
  return new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')
}

/** What a signature's credential names beside the access key. */
export function scopeParts({ time, region, service }: SigningScope): readonly string[] {
  return [time.slice(0, 8), region, service, 'aws4_request']
}

/**
 * The signature of a canonical request, in hexadecimal. Written out, since a library's general form is 5 KB and several
 * asynchronous steps of every stub's cold start.
 */
export function signatureOf(canonicalRequest: string, scope: SigningScope, secretAccessKey: string): string {
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
  const parts = scopeParts(scope)
  const toSign = [ALGORITHM, scope.time, parts.join('/'), sha256(canonicalRequest)].join('\n')
  const key = parts.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  return hmac(key, toSign).toString('hex')
}

/** The headers that make a request a signed one, `host` not among them: every client sends it by itself. */
export function signedHeaders(
  { method, url, body = '' }: UnsignedRequest,
  scope: SigningScope,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
): Record<string, string> {
  const headers: Record<string, string> = {
    'x-amz-date': scope.time,
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  }
  const all = Object.entries({ host: url.host, ...headers })
  const names = all.map(([name]) => name).join(';')
  const canonical = [
    method,
    // Encoded a second time, as every service but S3 has it.
    url.pathname.split('/').map(percentEncode).join('/'),
    url.search.slice(1).split('&').sort().join('&'),
    ...all.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    sha256(body),
  ].join('\n')
  const credential = [accessKeyId, ...scopeParts(scope)].join('/')
  const signature = signatureOf(canonical, scope, secretAccessKey)
  headers.authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`
  return headers
}

/** RFC 3986: encodeURIComponent leaves five characters that AWS encodes. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** In hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
