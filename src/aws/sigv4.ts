import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Credentials to check a signature against. */
export interface SigningIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What a Signature Version 4 is made of. */
export interface SignedParts {
  readonly method: string
  /** As it is signed: percent-encoded, once or as the service wants it. */
  readonly path: string
  /** The signed ones, decoded, without the signature. */
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: IncomingHttpHeaders
  /** Lower-case names, in the order in which they were signed. */
  readonly signedHeaders: readonly string[]
  /** SHA-256 of the body in hexadecimal, or what a service takes for it. */
  readonly payloadHash: string
  /** `20261101T120000Z` */
  readonly time: string
  /** Date, region, service, `aws4_request`. */
  readonly scope: readonly string[]
}

export const ALGORITHM = 'AWS4-HMAC-SHA256'

/** Whether a signature in hexadecimal is the one that this secret makes of these parts. */
export function signatureFits(parts: SignedParts, secretAccessKey: string, signature: string): boolean {
  const { method, path, query, headers, signedHeaders, payloadHash, time, scope } = parts
  const canonicalRequest = [
    method,
    path,
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${canonicalHeader(headers[name])}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n')
  const key = scope.reduce<string | Buffer>((parent, part) => hmac(parent, part), `AWS4${secretAccessKey}`)
  const expected = hmac(key, [ALGORITHM, time, scope.join('/'), sha256(canonicalRequest)].join('\n'))
  const given = Buffer.from(signature, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** The names and values of a query, decoded; undefined when it is not percent-encoded UTF-8. */
export function parseQuery(text: string): [string, string][] | undefined {
  try {
    return text
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const [name = '', value = ''] = splitOnce(part, '=')
        return [decodeURIComponent(name), decodeURIComponent(value)]
      })
  } catch {
    return undefined
  }
}

/** Unix milliseconds of `20261101T120000Z`; undefined for anything else. */
export function parseTime(time: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)
  if (!parts) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** RFC 3986: encodeURIComponent leaves five characters that SigV4 encodes. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** What is before the first separator, and what is after it. */
export function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** In hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function canonicalQuery(pairs: SignedParts['query']): string {
  return pairs
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map((pair) => pair.join('='))
    .join('&')
}

function canonicalHeader(value: string | readonly string[] | undefined): string {
  return String(value ?? '')
    .trim()
    .replace(/\s+/g, ' ')
}

// By code units: localeCompare would order them as a reader expects, not as SigV4 does.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
