import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { encodeQuery, sortQuery } from './query.js'
import { ALGORITHM, type SigningScope, signatureOf } from './signature.js'

/** The signed parts of a request that arrived. */
export interface ArrivedRequest {
  readonly method: string
  /** Percent-encoded as the service wants it. */
  readonly path: string
  /** Decoded, without the parameters that the signer appends after signing. */
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: IncomingHttpHeaders
  /** The names that the signature lists, in its order. */
  readonly signedHeaders: readonly string[]
  /** SHA-256 of the body in hexadecimal, or a word that S3 takes in its place. */
  readonly payloadHash: string
}

/** The fields of a header `Authorization`. */
export interface Authorization {
  readonly credential: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

/** Reads a header `Authorization`; undefined when it is not of Signature Version 4. */
export function readAuthorization(text: string): Authorization | undefined {
  const field = (name: string) => new RegExp(`[ ,]${name}=([^, ]+)`).exec(text)?.[1]
  const [credential, names, signature] = ['Credential', 'SignedHeaders', 'Signature'].map(field)
  if (!text.startsWith(`${ALGORITHM} `) || !credential || !names || !signature) return undefined
  return { credential, signedHeaders: names.split(';'), signature }
}

/** Unix milliseconds of `20261101T120000Z`; undefined for anything else. */
export function parseTime(time: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)
  if (!parts) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/**
 * Whether the signature covers `host` and every `x-amz-` header. Otherwise a relay could add such headers unnoticed.
 */
export function signsEnough(headers: IncomingHttpHeaders, signedHeaders: readonly string[]): boolean {
  const wanted = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  return wanted.every((name) => signedHeaders.includes(name))
}

/** Whether a hexadecimal signature matches the request, signed with this secret. Compares in constant time. */
export function signatureFits(
  { query, headers, signedHeaders, ...request }: ArrivedRequest,
  scope: SigningScope,
  secretAccessKey: string,
  signature: string,
): boolean {
  const canonical = {
    ...request,
    query: sortQuery(encodeQuery(query)),
    headers: signedHeaders.map((name) => [name, headerValue(headers[name])] as const),
  }
  const expected = Buffer.from(signatureOf(canonical, scope, secretAccessKey), 'hex')
  const given = Buffer.from(signature, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function headerValue(value: string | readonly string[] | undefined): string {
  return String(value ?? '')
    .trim()
    .replace(/\s+/g, ' ')
}
