import type { SigningIdentity } from '../../aws/credentials.js'
import { endpointUrl } from '../../aws/endpoints.js'
import { presignedUrl } from '../../aws/presign.js'
import { percentEncode } from '../../aws/query.js'
import { sha256, signingTime } from '../../aws/signature.js'

/**
 * Returns an endpoint as a WebSocket URL. Accepts `<prefix>-ats.iot.<region>.amazonaws.com` as AWS gives it, or a
 * `wss://` or `ws://` URL such as the local cloud's.
 * @throws TetherError `INVALID_OPTION`
 */
export function iotUrl(endpoint: unknown): string {
  const words = 'a host such as abc123-ats.iot.eu-west-1.amazonaws.com, or a wss:// URL'
  return `${endpointUrl(endpoint, words).origin}/mqtt`
}

/**
 * Returns the URL that opens MQTT over WebSocket, signed over the host and an empty body. Unlike other services, AWS
 * IoT wants the session token appended after signing.
 * @param url from {@link iotUrl}
 * @param at time of the signature in Unix milliseconds; AWS accepts it for five minutes before and after
 */
export function signIotUrl(url: string, region: string, identity: SigningIdentity, at: number): string {
  const scope = { time: signingTime(at), region, service: 'iotdevicegateway' }
  const target = new URL(url)
  const headers = [['host', target.host]] as const
  const signed = presignedUrl(
    { method: 'GET', url: target, headers, payloadHash: sha256('') },
    scope,
    identity,
  )
  const { sessionToken } = identity
  return sessionToken === undefined ? signed : `${signed}&X-Amz-Security-Token=${percentEncode(sessionToken)}`
}
