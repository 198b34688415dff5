// Two implementations of Signature Version 4 that are not ours: AWS's own library, and aws4.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { sign } from 'aws4'
import { defined } from '../../src/core/base/defined.js'
import type { SigningIdentity } from '../../src/transports/iot.js'

/** A request to sign. */
export interface SignableRequest {
  readonly service: string
  readonly region: string
  /** Unix milliseconds. */
  readonly at: number
  readonly credentials: SigningIdentity
  readonly method: string
  /** Percent-encoded, with what its query has beside the signature. */
  readonly url: URL
  /** Signed along. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For a signature in the query. */
  readonly expiresSeconds?: number
}

/** An implementation. */
export interface Signer {
  readonly name: string
  /** Signs in the headers. @returns all of them but `host`, names in lower case */
  headers(request: SignableRequest): Promise<Record<string, string>>
  /** Signs in the query; for S3 any body. */
  url(request: SignableRequest): Promise<URL>
}

const CONTENT_HASH = 'x-amz-content-sha256'

/** What the AWS SDK signs with. */
export const smithy: Signer = {
  name: 'AWS’s own library',
  async headers(request) {
    const { headers } = await smithyOf(request).sign(smithyRequest(request), { signingDate: dateOf(request) })
    return withoutHost(headers)
  },
  async url(request) {
    const isS3 = request.service === 's3'
    const apart = new Set(isS3 ? [CONTENT_HASH] : [])
    const { query = {} } = await smithyOf(request).presign(
      smithyRequest(request, isS3 ? { [CONTENT_HASH]: 'UNSIGNED-PAYLOAD' } : {}),
      {
        signingDate: dateOf(request),
        unhoistableHeaders: apart,
        unsignableHeaders: apart,
        ...(request.expiresSeconds !== undefined && { expiresIn: request.expiresSeconds }),
      },
    )
    return withQuery(request.url, query as Record<string, string>)
  },
}

/** `aws4` of npm. */
export const aws4: Signer = {
  name: 'aws4',
  async headers(request) {
    const { url, headers = {}, body, credentials } = request
    // It adds these where there is a body, and would sign them.
    const added = ['content-type', 'content-length'].filter((name) => headers[name] === undefined)
    const unsigned = {
      ...aws4Request(request),
      path: url.pathname + url.search,
      headers: { ...headers, host: url.host, 'x-amz-date': timeOf(request) },
      extraHeadersToIgnore: Object.fromEntries(added.map((name) => [name, true])),
      ...(body !== undefined && { body }),
    }
    return withoutHost(sign(unsigned, defined(credentials)).headers as Record<string, string>)
  },
  async url(request) {
    const { url, headers = {}, expiresSeconds, credentials } = request
    const target = new URL(url)
    target.searchParams.set('X-Amz-Date', timeOf(request))
    if (expiresSeconds !== undefined) target.searchParams.set('X-Amz-Expires', String(expiresSeconds))
    const { path = '' } = sign(
      {
        ...aws4Request(request),
        path: target.pathname + target.search,
        headers: { ...headers, host: url.host },
        signQuery: true,
      },
      defined(credentials),
    )
    return new URL(url.origin + path)
  },
}

/** Both. */
export const SIGNERS = [smithy, aws4]

/** SHA-256 as the AWS SDK takes it. */
class NodeSha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret ? createHmac('sha256', secret as string) : createHash('sha256')
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }

  reset(): void {}
}

function smithyOf({ credentials, region, service }: SignableRequest): SignatureV4 {
  return new SignatureV4({
    credentials: defined(credentials),
    region,
    service,
    sha256: NodeSha256,
    applyChecksum: false,
    uriEscapePath: service !== 's3',
  })
}

function smithyRequest(
  { method, url, headers, body }: SignableRequest,
  more: Readonly<Record<string, string>> = {},
) {
  return {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: queryOf(url),
    headers: { ...headers, ...more, host: url.host },
    ...(body !== undefined && { body }),
  }
}

/** Decoded; where a name comes several times, with a list. */
function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string[]> = {}
  for (const pair of url.search.slice(1).split('&')) {
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent)
    if (pair !== '') query[name] = [...(query[name] ?? []), value]
  }
  return Object.fromEntries(
    Object.entries(query).map(([name, list]) => [name, list.length === 1 ? list[0]! : list]),
  )
}

/** Encoded as URLs are: in a signed query a `+` is no blank. */
function withQuery(url: URL, query: Readonly<Record<string, string | string[]>>): URL {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  )
  return new URL(`${url.origin}${url.pathname}?${pairs.join('&')}`)
}

function aws4Request({ service, region, method, url }: SignableRequest) {
  return { service, region, method, host: url.host }
}

function withoutHost(headers: Readonly<Record<string, string | number>>): Record<string, string> {
  const pairs = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
  return Object.fromEntries(pairs.filter(([name]) => name !== 'host'))
}

function dateOf({ at }: SignableRequest): Date {
  return new Date(at)
}

function timeOf({ at }: SignableRequest): string {
  return new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')
}
