import { iot } from 'lambda-tether/transports/iot'
import { mqtt } from 'lambda-tether/transports/mqtt'

export const REGION = 'us-east-1'
/** The local broker accepts any credentials; signing costs the same as for AWS. */
export const CREDENTIALS = { accessKeyId: 'AKIDBENCH', secretAccessKey: 'secret-of-the-benchmark' }

/** `iot` for a WebSocket URL, else `mqtt`. */
export function transportTo(url) {
  return url.startsWith('ws:')
    ? iot({ endpoint: url, region: REGION, credentials: CREDENTIALS })
    : mqtt({ url })
}
