import { stubEnvironment } from 'lambda-tether/stub'
import { CREDENTIALS, REGION } from '../broker/transport.js'

/** The environment of a deployed stub's process. @param options of `stubEnvironment` */
export function stubSettings(options) {
  return {
    ...stubEnvironment(options),
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  }
}
