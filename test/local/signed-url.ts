import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { LocalIdentity } from '../../src/local/iot/broker.js'

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
}

/** A WebSocket URL signed by AWS's own library, the token appended after signing. */
export async function signedUrl(base: string, options: SigningOptions): Promise<string> {
  const { identity, now, region = 'us-east-1', service = 'iotdevicegateway', path = '/mqtt' } = options
  const { accessKeyId, secretAccessKey, sessionToken } = identity
  const { host, hostname, port } = new URL(base)
  const signer = new SignatureV4({
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(options.tokenInside && sessionToken !== undefined && { sessionToken }),
    },
    region,
    service,
    sha256: NodeSha256,
  })
  const signed = await signer.presign(
    { method: 'GET', protocol: 'ws:', hostname, port: Number(port), path, query: {}, headers: { host } },
    { signingDate: new Date(now), ...(options.expiresIn !== undefined && { expiresIn: options.expiresIn }) },
  )
  const query = new URLSearchParams(signed.query as Record<string, string>)
  if (!options.tokenInside && sessionToken !== undefined) query.set('X-Amz-Security-Token', sessionToken)
  // URLSearchParams writes a space as +, which is no percent-encoding.
  return `${base}${path}?${query.toString().replaceAll('+', '%20')}`
}

/** SHA-256 as the AWS SDK takes it. */
export class NodeSha256 {
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
