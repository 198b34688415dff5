import { randomBytes } from 'node:crypto'
import type { RelayedApis } from './relayed-apis.js'
import {
  type FindType,
  type MadeResource,
  madeUpName,
  type ResourceType,
  type StackCloud,
} from './resource.js'

/** The resource types of a debug stack that the local cloud serves as one API. */
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
      // The relay exists only once the stage has been created.
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

/** The logical ids that mark a debug stack's template. */
const PARTS: readonly string[] = ['Api', 'ApiStage', 'Relay', 'RelayRole', 'Connections', 'Payloads']

function apiResource(apis: RelayedApis, stackName: string, region: string): MadeResource {
  const physicalId = randomBytes(5).toString('hex')
  apis.of(stackName).apiId = physicalId
  return {
    physicalId,
    attributes: {
      // The address is known once the API has a stage.
      get ApiEndpoint() {
        return apis.endpointOf(stackName) ?? `wss://${physicalId}.execute-api.${region}.amazonaws.com`
      },
    },
  }
}
