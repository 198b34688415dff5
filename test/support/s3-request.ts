import type { RadosgwAddress } from './radosgw.js'
import { aws4 } from './signers.js'

/** A request to sign; what is left out is right. */
export interface S3TestRequest {
  readonly method?: string
  /** Percent-encoded, with a slash before. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Signs in the query, for that many seconds. */
  readonly expiresSeconds?: number
  /** When it is signed, in Unix milliseconds. */
  readonly at?: number
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  readonly region?: string
  /** Changes what is sent after it is signed. */
  readonly tamper?: (url: URL, headers: Headers) => void
}

/** S3's answer. */
export interface S3TestAnswer {
  readonly status: number
  readonly code: string | undefined
  readonly text: string
  readonly headers: Headers
}

/** Signs a request by SigV4 and sends it. */
export async function s3Request(to: RadosgwAddress, request: S3TestRequest): Promise<S3TestAnswer> {
  const { method = 'GET', path, query = {}, body, expiresSeconds, at = Date.now() } = request
  const url = new URL(to.endpoint + path)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const signable = {
    service: 's3',
    region: request.region ?? to.region,
    at,
    credentials: request.credentials ?? to.credentials,
    method,
    url,
    ...(expiresSeconds !== undefined && { expiresSeconds }),
  }
  const inQuery = expiresSeconds !== undefined
  const signed = inQuery ? await aws4.url({ ...signable, headers: request.headers ?? {} }) : new URL(url)
  const hash = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const headers = new Headers(
    inQuery ? request.headers : await aws4.headers({ ...signable, headers: { ...hash, ...request.headers } }),
  )
  request.tamper?.(signed, headers)
  const response = await fetch(signed, {
    method,
    headers,
    ...(body !== undefined && { body: body as string }),
  })
  const text = await response.text()
  return {
    status: response.status,
    code: /<Code>([^<]*)</.exec(text)?.[1],
    text,
    headers: response.headers,
  }
}
