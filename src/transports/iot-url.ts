import { createHash, createHmac } from 'node:crypto'
import { TetherError } from '../core/errors.js'

/** Credentials as every AWS SDK gives them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** When they end; a connection is replaced before. */
  readonly expiration?: Date
}

/**
 * An endpoint as a WebSocket URL: `<prefix>-ats.iot.<region>.amazonaws.com` as AWS gives it, or a `wss://` or `ws://`
 * URL, as the local cloud has one.
 * @throws TetherError `INVALID_OPTION`
 */
export function iotUrl(endpoint: string): string {
  const text = /^[a-z]+:\/\//.test(endpoint) ? endpoint : `wss://${endpoint}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^wss?:$/.test(url.protocol) || url.hostname === '') {
    throw new TetherError(
      'INVALID_OPTION',
      `'endpoint' must be a host such as abc123-ats.iot.eu-west-1.amazonaws.com, or a wss:// URL; it is '${endpoint}'.`,
    )
  }
  url.pathname = '/mqtt'
  url.search = ''
  return url.href
}

/** The region that an endpoint of AWS's names; undefined for any other host. */
export function regionOf(endpoint: string): string | undefined {
  const { hostname } = new URL(iotUrl(endpoint))
  return /\.iot\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(hostname)?.[1]
}

const SERVICE = 'iotdevicegateway'
const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * The URL that opens MQTT over WebSocket: SigV4 in the query, over the host and an empty body; the session token is
 * appended after signing, as AWS IoT alone wants it. Written out, since a library's general form is 5 KB and several
 * asynchronous steps of every stub's cold start.
 * @param at Unix milliseconds of the signature, good for five minutes around
 */
export function signIotUrl(
  endpoint: string,
  region: string,
  credentials: AwsCredentials,
  at: number,
): string {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const url = new URL(endpoint)
  const query = url.searchParams
  const time = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const scope = [time.slice(0, 8), region, SERVICE, 'aws4_request']
  query.set('X-Amz-Algorithm', ALGORITHM)
  query.set('X-Amz-Credential', [accessKeyId, ...scope].join('/'))
  query.set('X-Amz-Date', time)
  query.set('X-Amz-SignedHeaders', 'host')
  query.sort()
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
  const canonical = ['GET', url.pathname, query, `host:${url.host}`, '', 'host', sha256('')].join('\n')
  const toSign = [ALGORITHM, time, scope.join('/'), sha256(canonical)].join('\n')
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  query.set('X-Amz-Signature', hmac(key, toSign).toString('hex'))
  if (sessionToken !== undefined) query.set('X-Amz-Security-Token', sessionToken)
  return url.href
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
