import { randomBytes } from 'node:crypto'
import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot'
import type { LocalCloud, LocalCredentials } from '../../../src/local/index.js'

/** The account that a run accepts: AWS, or the local cloud. JSON carries it to the process of the tests. */
export interface AccountUnderTest {
  readonly kind: 'aws' | 'local'
  readonly region: string
  /** Absent on AWS: the SDK finds them. */
  readonly credentials?: LocalCredentials
  /** IoT's data endpoint: a host on AWS, a `ws://` URL of the local cloud. */
  readonly iotEndpoint: string
  /** Absent on AWS: the SDK has them. */
  readonly endpoints?: {
    readonly lambda: string
    readonly iam: string
    readonly s3: string
    readonly iotData: string
  }
}

/** What the names of everything that a run creates begin with. */
export const NAME_PREFIX = 'lambda-tether-accept-'

/** The path of its roles, by which a later run finds what a killed one left. Roles are of no region; the rest of a run is. */
export function rolePath(region: string): string {
  return `/lambda-tether-accept/${region}/`
}

/** A name for one run. */
export function newRun(): string {
  return NAME_PREFIX + randomBytes(4).toString('hex')
}

/** Finds the account's IoT endpoint. @throws what the SDK throws where credentials or rights are missing */
export async function awsAccount(region: string): Promise<AccountUnderTest> {
  const client = new IoTClient({ region })
  try {
    const command = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
    const { endpointAddress = '' } = await client.send(command)
    return { kind: 'aws', region, iotEndpoint: endpointAddress }
  } finally {
    client.destroy()
  }
}

/** An open local cloud as an account. */
export function localAccount(cloud: LocalCloud): AccountUnderTest {
  const { region, credentials, iotEndpoint } = cloud
  return {
    kind: 'local',
    region,
    credentials,
    iotEndpoint,
    endpoints: {
      lambda: cloud.lambdaEndpoint,
      iam: cloud.iamEndpoint,
      s3: cloud.s3Endpoint,
      iotData: iotEndpoint.replace(/^ws/, 'http'),
    },
  }
}
