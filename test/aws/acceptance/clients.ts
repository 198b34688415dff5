import { IAMClient } from '@aws-sdk/client-iam'
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import type { Answer } from '../answers/answer.js'
import { recordAnswers } from '../answers/recorder.js'
import type { AccountUnderTest } from './account.js'

/** AWS's own clients of an account. */
export interface AccountClients extends Disposable {
  readonly lambda: LambdaClient
  readonly iam: IAMClient
  readonly s3: S3Client
  readonly iotData: IoTDataPlaneClient
}

/** Makes them. @param onAnswer called with each answer that one of them gets */
export function accountClients(
  { region, credentials, endpoints, iotEndpoint }: AccountUnderTest,
  onAnswer: (answer: Answer) => void = () => {},
): AccountClients {
  const options = (endpoint?: string) => ({
    region,
    ...(credentials !== undefined && { credentials }),
    ...(endpoint !== undefined && { endpoint }),
  })
  const lambda = new LambdaClient(options(endpoints?.lambda))
  const iam = new IAMClient(options(endpoints?.iam))
  const s3 = new S3Client({ ...options(endpoints?.s3), forcePathStyle: endpoints !== undefined })
  const iotData = new IoTDataPlaneClient(options(endpoints?.iotData ?? `https://${iotEndpoint}`))
  recordAnswers(lambda, 'lambda', onAnswer)
  recordAnswers(iam, 'iam', onAnswer)
  recordAnswers(s3, 's3', onAnswer)
  recordAnswers(iotData, 'iot-data', onAnswer)
  return {
    lambda,
    iam,
    s3,
    iotData,
    [Symbol.dispose]() {
      for (const client of [lambda, iam, s3, iotData]) client.destroy()
    },
  }
}
