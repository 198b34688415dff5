import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { onTestFinished } from 'vitest'
import type { DeployDebugStackOptions, StackProgress } from '../../src/deploy/index.js'
import { generateKey } from '../../src/index.js'
import { createLocalCloud, type LocalCloud, type LocalCloudOptions } from '../../src/local/index.js'

/** A local cloud with CloudFormation's client. It ends with its test. */
export interface StackCloud {
  readonly cloud: LocalCloud
  readonly client: CloudFormationClient
  /** What `deployDebugStack()` and `removeDebugStack()` take here. */
  readonly target: DeployDebugStackOptions & { readonly key: string }
  /** What they reported. */
  readonly progress: StackProgress[]
}

export async function stackCloud(controlPlane: LocalCloudOptions['controlPlane'] = {}): Promise<StackCloud> {
  const cloud = createLocalCloud({ controlPlane: { updateMs: 5, ...controlPlane } })
  onTestFinished(() => cloud.close())
  await cloud.open()
  const { region, credentials, cloudFormationEndpoint, s3Endpoint } = cloud
  const client = new CloudFormationClient({ region, credentials, endpoint: cloudFormationEndpoint })
  onTestFinished(() => client.destroy())
  const progress: StackProgress[] = []
  const target = {
    app: 'shop',
    stage: 'dev',
    key: generateKey(),
    region,
    credentials,
    cloudFormationEndpoint,
    s3Endpoint,
    pollMs: 5,
    onProgress: (one: StackProgress) => void progress.push(one),
  }
  return { cloud, client, target, progress }
}
