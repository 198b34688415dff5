import { randomBytes } from 'node:crypto'
import type { RelayedApis } from './relayed-apis.js'
import {
  type FindType,
  type MadeResource,
  madeUpName,
  type ResourceType,
  type StackCloud,
} from './resource.js'

/** The types of a debug stack's resources that the local cloud serves together. */
export function debugStackTypes(
  {
    relayedApis: apis,
    registry,
    region,
    accountId,
  }: Pick<StackCloud, 'relayedApis' | 'registry' | 'region' | 'accountId'>,
  recorded: ResourceType,
): FindType {
  const types: Readonly<Record<string, ResourceType>> = {
    'AWS::ApiGatewayV2::Api': {
      ...recorded,
      create: ({ stackName }) => apiResource(apis, stackName, region),
    },
    'AWS::ApiGatewayV2::Stage': {
      ...recorded,
      async create(input) {
        await apis.start(input)
        return { physicalId: String(input.properties.StageName), attributes: {} }
      },
      delete: (_made, { stackName }) => apis.end(stackName),
    },
    'AWS::ApiGatewayV2::Deployment': {
      ...recorded,
      create(input) {
        const physicalId = madeUpName(input, 64)
        return { physicalId, attributes: { DeploymentId: physicalId } }
      },
    },
    'AWS::DynamoDB::Table': {
      ...recorded,
      create(input) {
        const name = madeUpName(input, 255)
        return {
          physicalId: name,
          attributes: { Arn: `arn:aws:dynamodb:${region}:${accountId}:table/${name}` },
        }
      },
    },
    'AWS::Lambda::Function': {
      create(input) {
        const name = madeUpName(input, 64)
        apis.of(input.stackName).relayName = name
        return { physicalId: name, attributes: { Arn: registry.arnOf(name) } }
      },
      update(input, made) {
        apis.update(input)
        return made
      },
      // It runs from the stage's creation on.
      async delete({ physicalId }) {
        if (registry.has(physicalId)) await registry.delete(registry.find(physicalId))
      },
    },
  }
  return (type, { template: { Resources }, logicalId }) => {
    const isDebugStack = PARTS.every((id) => Object.hasOwn(Resources, id))
    if (!isDebugStack || (type === 'AWS::Lambda::Function' && logicalId !== 'Relay')) return undefined
    if (Object.hasOwn(types, type)) return types[type]
    return type.startsWith('AWS::ApiGatewayV2::') ? recorded : undefined
  }
}

/** What the template of a debug stack has, and no other. */
const PARTS: readonly string[] = ['Api', 'ApiStage', 'Relay', 'RelayRole', 'Connections', 'Payloads']

function apiResource(apis: RelayedApis, stackName: string, region: string): MadeResource {
  const physicalId = randomBytes(5).toString('hex')
  apis.of(stackName).apiId = physicalId
  return {
    physicalId,
    attributes: {
      // Where it listens is known when it has a stage.
      get ApiEndpoint() {
        return apis.endpointOf(stackName) ?? `wss://${physicalId}.execute-api.${region}.amazonaws.com`
      },
    },
  }
}
