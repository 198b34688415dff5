import { ListRolesCommand } from '@aws-sdk/client-iam'
import { ListRetainedMessagesCommand } from '@aws-sdk/client-iot-data-plane'
import { ListFunctionsCommand, ListLayersCommand } from '@aws-sdk/client-lambda'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import type { AccountClients } from './clients.js'

/** All that there is in a local cloud, by name, as AWS's own clients see it. */
export async function contentOf(clients: AccountClients): Promise<object> {
  const { lambda, iam, iotData, s3 } = clients
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}))
  const { Layers = [] } = await lambda.send(new ListLayersCommand({}))
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
  const { Roles = [] } = await iam.send(new ListRolesCommand({}))
  const { retainedTopics = [] } = await iotData.send(new ListRetainedMessagesCommand({}))
  return {
    functions: Functions.map(({ FunctionName }) => FunctionName),
    layers: Layers.map(({ LayerName }) => LayerName),
    roles: Roles.map(({ RoleName }) => RoleName),
    retained: retainedTopics.map(({ topic }) => topic),
    buckets: Buckets.map(({ Name }) => Name),
  }
}
