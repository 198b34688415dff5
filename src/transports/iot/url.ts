import type { SigningIdentity } from '../../aws/credentials.js'
import { endpointUrl } from '../../aws/endpoints.js'
import { presignedUrl } from '../../aws/presign.js'
import { percentEncode } from '../../aws/query.js'
import { sha256, signingTime } from '../../aws/signature.js'

/**
 * An endpoint as a WebSocket URL: `<prefix>-ats.iot.<region>.amazonaws.com` as AWS gives it, or a `wss://` or `ws://`
 * URL, as the local cloud has one.
 * @throws TetherError `INVALID_OPTION`
 */
export function iotUrl(endpoint: unknown): string {
  const words = 'a host such as abc123-ats.iot.eu-west-1.amazonaws.com, or a wss:// URL'
  return `${endpointUrl(endpoint, words).origin}/mqtt`
}

/**
 * The URL that opens MQTT over WebSocket: signed over the host and an empty body. AWS IoT alone wants the session token
 * appended after signing.
 * @param url as {@link iotUrl} gives it
 * @param at Unix milliseconds of the signature, which is good for five minutes around
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
