import type { LocalIdentity } from '../../src/local/index.js'
import { type Signer, smithy } from '../support/signers.js'

/** How {@link signedUrl} signs. */
export interface SigningOptions {
  readonly identity: LocalIdentity
  readonly now: number
  readonly region?: string
  readonly service?: string
  readonly path?: string
  readonly expiresIn?: number
  /** Signed along, as other AWS services want it and AWS IoT does not. */
  readonly tokenInside?: boolean
  /** @default AWS's own library */
  readonly signer?: Signer
}

/** A WebSocket URL signed by a library, the token appended after signing. */
export async function signedUrl(base: string, options: SigningOptions): Promise<string> {
  const { identity, now, region = 'us-east-1', service = 'iotdevicegateway', path = '/mqtt' } = options
  const { accessKeyId, secretAccessKey, sessionToken } = identity
  const { signer = smithy, expiresIn, tokenInside = false } = options
  const url = await signer.url({
    service,
    region,
    at: now,
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(tokenInside && sessionToken !== undefined && { sessionToken }),
    },
    method: 'GET',
    url: new URL(base + path),
    ...(expiresIn !== undefined && { expiresSeconds: expiresIn }),
  })
  const token = encodeURIComponent(sessionToken ?? '')
  return !tokenInside && sessionToken !== undefined ? `${url}&X-Amz-Security-Token=${token}` : url.href
}
