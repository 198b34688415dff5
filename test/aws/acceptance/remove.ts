import {
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  ListRolePoliciesCommand,
  paginateListRoles,
} from '@aws-sdk/client-iam'
import { PublishCommand, paginateListRetainedMessages } from '@aws-sdk/client-iot-data-plane'
import {
  DeleteFunctionCommand,
  DeleteLayerVersionCommand,
  ListLayerVersionsCommand,
} from '@aws-sdk/client-lambda'
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { layerPrefixOf } from '../../../src/deploy/names.js'
import { NAME_PREFIX, rolePath } from './account.js'
import type { AccountClients } from './clients.js'
import { namesOf, STAGE } from './resources.js'

/** The runs that have left something in the region: each creates its role first and removes it last. */
export async function leftRuns({ iam }: Pick<AccountClients, 'iam'>): Promise<string[]> {
  const runs = new Set<string>()
  const PathPrefix = rolePath(await iam.config.region())
  for await (const { Roles = [] } of paginateListRoles({ client: iam }, { PathPrefix })) {
    for (const { RoleName = '' } of Roles) {
      const [run] = new RegExp(`^${NAME_PREFIX}[0-9a-f]{8}`).exec(RoleName) ?? []
      if (run !== undefined) runs.add(run)
    }
  }
  return [...runs]
}

/** Removes all that a run created, in whatever state it is. */
export async function removeRun(clients: AccountClients, run: string): Promise<void> {
  const { lambda } = clients
  const { role, powerlessRole, wrapped, replaced, powerless, bucket, answers } = namesOf(run)
  for (const FunctionName of [wrapped, replaced, powerless, answers]) {
    await unlessMissing(lambda.send(new DeleteFunctionCommand({ FunctionName })))
  }
  const prefix = layerPrefixOf({ app: run, stage: STAGE })
  for (const layer of [`${prefix}iot`, answers]) await removeLayer(clients, layer)
  for (const name of [bucket, answers]) await removeBucket(clients, name)
  await removeRetained(clients, run)
  for (const name of [answers, powerlessRole, role]) await removeRole(clients, name)
}

async function removeLayer({ lambda }: AccountClients, LayerName: string): Promise<void> {
  for (;;) {
    const { LayerVersions = [] } = await lambda.send(new ListLayerVersionsCommand({ LayerName }))
    if (LayerVersions.length === 0) return
    for (const { Version } of LayerVersions) {
      await lambda.send(new DeleteLayerVersionCommand({ LayerName, VersionNumber: Version }))
    }
  }
}

async function removeBucket({ s3 }: AccountClients, Bucket: string): Promise<void> {
  for (;;) {
    const found = await unlessMissing(s3.send(new ListObjectsV2Command({ Bucket })))
    if (found === undefined) return
    for (const { Key } of found.Contents ?? []) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    if (!found.IsTruncated) break
  }
  await unlessMissing(s3.send(new DeleteBucketCommand({ Bucket })))
}

/** Ends the retained messages of a run, and those of transport suites, which are nobody's after their test. */
async function removeRetained({ iotData }: AccountClients, run: string): Promise<void> {
  const topics: string[] = []
  for await (const { retainedTopics = [] } of paginateListRetainedMessages({ client: iotData }, {})) {
    topics.push(...retainedTopics.map(({ topic = '' }) => topic))
  }
  const ours = [`lambda-tether/${run}`, 'lambda-tether/conformance-']
  for (const topic of topics.filter((one) => ours.some((prefix) => one.startsWith(prefix)))) {
    await iotData.send(new PublishCommand({ topic, retain: true, payload: new Uint8Array() }))
  }
}

async function removeRole({ iam }: AccountClients, RoleName: string): Promise<void> {
  const found = await unlessMissing(iam.send(new ListRolePoliciesCommand({ RoleName })))
  for (const PolicyName of found?.PolicyNames ?? []) {
    await unlessMissing(iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName })))
  }
  await unlessMissing(iam.send(new DeleteRoleCommand({ RoleName })))
}

async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    const { name } = error as Error
    if (['ResourceNotFoundException', 'NoSuchBucket', 'NoSuchEntityException'].includes(name))
      return undefined
    throw error
  }
}
