import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Credentials that a gateway knows. */
export interface KnownIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

// https://docs.aws.amazon.com/iot/latest/developerguide/protocols.html: an hour at most; AWS IoT takes five minutes
// where the URL does not say.
const VALID_MS = 5 * 60_000

/**
 * What AWS IoT does with the URL of a WebSocket upgrade, from Signature Version 4's specification alone: takes the
 * request apart as it came and computes the signature anew. The session token must come after it, unsigned.
 * @returns why the upgrade is refused, or undefined
 */
export function iotRefusal(
  { url = '', headers, method }: Pick<IncomingMessage, 'url' | 'headers' | 'method'>,
  { identities, region, now }: { identities: readonly KnownIdentity[]; region: string; now: number },
): string | undefined {
  if (method !== 'GET') return `method ${method}`
  const [path = '', search = ''] = url.split('?', 2)
  if (path !== '/mqtt') return `path ${path}`
  const pairs = search.split('&').map((pair) => pair.split('=', 2) as [string, string])
  const value = (name: string) => decodeURIComponent(pairs.find(([key]) => key === name)?.[1] ?? '')
  if (new Set(pairs.map(([name]) => name)).size !== pairs.length) return 'a parameter comes twice'
  if (value('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') return 'algorithm'

  const [accessKeyId = '', ...scope] = value('X-Amz-Credential').split('/')
  const at = value('X-Amz-Date')
  const date = at.slice(0, 8)
  const expected = [date, region, 'iotdevicegateway', 'aws4_request']
  if (scope.join('/') !== expected.join('/')) return `scope ${scope.join('/')}`
  const identity = identities.find((one) => one.accessKeyId === accessKeyId)
  if (identity === undefined) return 'unknown access key'

  const unsigned = ['X-Amz-Signature', 'X-Amz-Security-Token']
  const canonicalQuery = pairs
    .filter(([name]) => !unsigned.includes(name))
    .map(([name, raw]) => [encode(decodeURIComponent(name)), encode(decodeURIComponent(raw))])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')
  const signedHeaders = value('X-Amz-SignedHeaders')
  if (!signedHeaders.split(';').includes('host')) return 'the host is not signed'
  const canonicalHeaders = signedHeaders
    .split(';')
    .map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`)
    .join('')
  const canonical = ['GET', path, canonicalQuery, canonicalHeaders, signedHeaders, sha256('')].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', at, expected.join('/'), sha256(canonical)].join('\n')
  const key = expected.reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${identity.secretAccessKey}`,
  )
  if (hmac(key, toSign).toString('hex') !== value('X-Amz-Signature')) return 'signature'
  if (value('X-Amz-Security-Token') !== (identity.sessionToken ?? '')) return 'session token'

  const signedAt = Date.parse(at.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(now - signedAt) <= VALID_MS)) return `signed at ${at}`
  return undefined
}

// RFC 3986, which leaves fewer characters alone than encodeURIComponent does.
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
