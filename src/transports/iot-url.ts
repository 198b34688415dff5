import { AwsV4Signer } from 'aws4fetch'
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

/**
 * The URL that opens MQTT over WebSocket: SigV4 in the query, for the service `iotdevicegateway`, over an empty body; the
 * session token is appended after signing, as AWS IoT alone wants it.
 * @param at Unix milliseconds of the signature, good for five minutes around
 */
export async function signIotUrl(
  url: string,
  region: string,
  credentials: AwsCredentials,
  at: number,
): Promise<string> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const signer = new AwsV4Signer({
    url,
    method: 'GET',
    service: 'iotdevicegateway',
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    datetime: new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    signQuery: true,
  })
  const signed = await signer.sign()
  return signed.url.toString()
}
