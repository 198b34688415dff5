import { IAMClient } from '@aws-sdk/client-iam'
import {
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { onTestFinished } from 'vitest'
import { zip } from '../../src/deploy/zip/zip.js'
import type { LocalCloud, LocalCloudOptions, LocalCredentials } from '../../src/local/index.js'
import { createLocalCloud } from '../../src/local/index.js'

/** A local cloud and AWS's own clients of its control plane; all closed after the test. */
export async function controlPlane(
  options: LocalCloudOptions = {},
): Promise<{ cloud: LocalCloud; lambda: LambdaClient; iam: IAMClient }> {
  const cloud = createLocalCloud(options)
  onTestFinished(() => cloud.close())
  await cloud.open()
  return { cloud, ...clients(cloud) }
}

/** AWS's own clients of a cloud's control plane; `attempts` is 1 where a test wants to see each refusal. */
export function clients(
  cloud: LocalCloud,
  {
    credentials = cloud.credentials,
    attempts = 1,
  }: { credentials?: LocalCredentials; attempts?: number } = {},
): { lambda: LambdaClient; iam: IAMClient } {
  const { region } = cloud
  const common = { region, credentials, maxAttempts: attempts }
  const lambda = new LambdaClient({ ...common, endpoint: cloud.lambdaEndpoint })
  const iam = new IAMClient({ ...common, endpoint: cloud.iamEndpoint })
  onTestFinished(() => {
    lambda.destroy()
    iam.destroy()
  })
  return { lambda, iam }
}

/** The role that a function of a control plane's test has. */
export const ROLE = 'arn:aws:iam::123456789012:role/app-role'

/** Waits until a function is active and updated, as the SDK's own waiters see it. */
export async function settled(client: LambdaClient, FunctionName: string): Promise<FunctionConfiguration> {
  const options = { client, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.02 }
  await waitUntilFunctionActiveV2(options, { FunctionName })
  await waitUntilFunctionUpdatedV2(options, { FunctionName })
  const { $metadata: _, ...configuration } = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName }),
  )
  return configuration
}

/** A zip of texts. */
export function zipOf(files: Readonly<Record<string, string>>, programs: readonly string[] = []): Uint8Array {
  return zip(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
    programs,
  )
}
