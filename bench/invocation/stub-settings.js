import { stubEnvironment } from 'lambda-tether/stub'
import { CREDENTIALS, REGION } from '../broker/transport.js'

/** What a deployed stub's process has in its environment; `options` are those of `stubEnvironment`. */
export function stubSettings(options) {
  return {
    ...stubEnvironment(options),
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  }
}
