import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Credentials to check a signature against. */
export interface SigningIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** A request signed in its query, as it arrived. */
export interface PresignedRequest {
  /** Path and query, as on the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** What a signature must fit. */
export interface SignatureScope<I extends SigningIdentity> {
  readonly region: string
  readonly service: string
  readonly identities: readonly I[]
  /** Unix milliseconds. */
  readonly now: number
}

// Without X-Amz-Expires a SigV4 signature holds for five minutes; the same is allowed for a clock that is ahead.
const SKEW_MS = 5 * 60_000
const MAX_EXPIRES_SECONDS = 604_800
const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * Checks a SigV4 signature in a GET request's query, the way AWS IoT wants it: over an empty body, and with
 * `X-Amz-Security-Token` appended after signing. Gives the signer, or a text that says what is wrong.
 */
export function verifyPresigned<I extends SigningIdentity>(
  request: PresignedRequest,
  scope: SignatureScope<I>,
): { identity: I } | { fault: string } {
  const [path = '', queryText = ''] = split(request.url, '?')
  const pairs = parseQuery(queryText)
  if (!pairs) return { fault: 'the query is not percent-encoded UTF-8' }
  const query = new Map(pairs)
  if (query.size !== pairs.length) return { fault: 'a query parameter comes twice' }

  if (query.get('X-Amz-Algorithm') !== ALGORITHM) return { fault: `X-Amz-Algorithm is not ${ALGORITHM}` }
  const time = query.get('X-Amz-Date') ?? ''
  const credential = (query.get('X-Amz-Credential') ?? '').split('/')
  const identity = scope.identities.find(({ accessKeyId }) => accessKeyId === credential[0])
  if (!identity) return { fault: 'the access key is unknown' }
  const wanted = [time.slice(0, 8), scope.region, scope.service, 'aws4_request']
  if (credential.slice(1).join('/') !== wanted.join('/')) {
    return { fault: `the credential scope is '${credential.slice(1).join('/')}', not '${wanted.join('/')}'` }
  }
  if ((query.get('X-Amz-Security-Token') ?? '') !== (identity.sessionToken ?? '')) {
    return { fault: 'X-Amz-Security-Token is not the session token of this access key' }
  }
  const timeFault = checkTime(time, query.get('X-Amz-Expires'), scope.now)
  if (timeFault) return { fault: timeFault }

  const signedHeaders = (query.get('X-Amz-SignedHeaders') ?? '').split(';')
  if (!signedHeaders.includes('host')) return { fault: "'host' is not among X-Amz-SignedHeaders" }
  const canonicalRequest = [
    'GET',
    path,
    canonicalQuery(pairs.filter(([name]) => name !== 'X-Amz-Signature' && name !== 'X-Amz-Security-Token')),
    ...signedHeaders.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    signedHeaders.join(';'),
    sha256(''),
  ].join('\n')
  const key = wanted.reduce<string | Buffer>(
    (parent, part) => hmac(parent, part),
    `AWS4${identity.secretAccessKey}`,
  )
  const expected = hmac(key, [ALGORITHM, time, wanted.join('/'), sha256(canonicalRequest)].join('\n'))
  const given = Buffer.from(query.get('X-Amz-Signature') ?? '', 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return { fault: 'the signature does not fit the request' }
  }
  return { identity }
}

function checkTime(time: string, expires: string | undefined, now: number): string | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)
  if (!parts) return 'X-Amz-Date is not of the form 20261101T120000Z'
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  const signedAt = Date.UTC(year, month - 1, day, hour, minute, second)
  const seconds = expires === undefined ? SKEW_MS / 1000 : Number(expires)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_EXPIRES_SECONDS) {
    return `X-Amz-Expires of ${expires} is not from 1 to ${MAX_EXPIRES_SECONDS}`
  }
  if (signedAt - now > SKEW_MS) return `the signature is ${signedAt - now} ms ahead; ${SKEW_MS} are allowed`
  const age = now - signedAt
  return age > seconds * 1000 ? `the signature is ${age} ms old; it holds for ${seconds * 1000}` : undefined
}

function parseQuery(text: string): [string, string][] | undefined {
  try {
    return text
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const [name = '', value = ''] = split(part, '=')
        return [decodeURIComponent(name), decodeURIComponent(value)]
      })
  } catch {
    return undefined
  }
}

function canonicalQuery(pairs: readonly [string, string][]): string {
  return pairs
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map((pair) => pair.join('='))
    .join('&')
}

// By code units: localeCompare would order them as a reader expects, not as SigV4 does.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

// RFC 3986: encodeURIComponent leaves five characters that SigV4 encodes.
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function split(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
