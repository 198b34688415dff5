import { stubEnvironment } from 'lambda-tether/stub'
import { CREDENTIALS, REGION } from '../broker/transport.js'

/** What a deployed stub's process has in its environment; `url` is `mqtt:` or, for the IoT bundle, `ws:`. */
export function stubSettings({ url, ...options }) {
  const at = url.startsWith('ws:') ? { endpoint: url } : { url }
  return {
    ...stubEnvironment({ ...options, ...at }),
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  }
}
