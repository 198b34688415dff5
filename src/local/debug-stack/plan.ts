import type { CloudFormationResources } from '../../deploy/template/resource.js'
import type { PolicyDocument, PolicyStatement } from '../iot/policy-check.js'
import type { FunctionDefinition } from '../lambda/function-definition.js'

/** The parts of a debug stack's CloudFormation template that the local cloud serves. */
export interface DebugStackPlan {
  readonly apiStage: string
  /** The target of each route key. */
  readonly routes: Readonly<Record<string, 'relay' | 'mock'>>
  /** Input of CreateTable, without the table's name. */
  readonly table: Readonly<Record<string, unknown>>
  /** The relay's definition; of its environment, only values without references to AWS resources. */
  readonly relay: Required<Pick<FunctionDefinition, 'handler' | 'timeoutMs' | 'memoryMb' | 'environment'>>
  /** The relay role's permissions on the WebSocket API. */
  readonly role: PolicyDocument
}

interface StackFacts {
  readonly apiId: string
  readonly region: string
  readonly accountId: string
}

/** Reads the resources of the debug stack's template, so that tests run the deployed configuration. */
export function debugStackPlan(Resources: CloudFormationResources, facts: StackFacts): DebugStackPlan {
  const properties = <T>(logicalId: string) => Resources[logicalId]?.Properties as T
  const of = (type: string) =>
    Object.values(Resources)
      .filter(({ Type }) => Type === `AWS::${type}`)
      .map(({ Properties }) => Properties)
  const { StageName } = properties<{ StageName: string }>('ApiStage')
  const { Handler, Timeout, MemorySize, Environment } = properties<{
    Handler: string
    Timeout: number
    MemorySize: number
    Environment: { Variables: Record<string, unknown> }
  }>('Relay')
  const variables = Object.entries(Environment.Variables).filter(
    (variable): variable is [string, string] => typeof variable[1] === 'string',
  )
  const { Policies } = properties<{ Policies: { PolicyDocument: PolicyDocument }[] }>('RelayRole')
  // dynalite does not support a time to live.
  const {
    TimeToLiveSpecification: _,
    Tags: _tags,
    ...table
  } = properties<Record<string, unknown>>('Connections')
  return {
    apiStage: StageName,
    routes: Object.fromEntries(
      of('ApiGatewayV2::Route').map(({ RouteKey, Target }) => {
        const integration = /\$\{(\w+)\}/.exec(textOf(Target))?.[1] ?? ''
        const { IntegrationType } = properties<{ IntegrationType: string }>(integration)
        return [RouteKey as string, IntegrationType === 'MOCK' ? 'mock' : 'relay'] as const
      }),
    ),
    table,
    relay: {
      handler: Handler,
      timeoutMs: Timeout * 1000,
      memoryMb: MemorySize,
      environment: Object.fromEntries(variables),
    },
    role: {
      Version: '2012-10-17',
      Statement: Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        // Permissions on the table and the log are not checked here.
        .filter(({ Action }) => [Action].flat().every((action) => action.startsWith('execute-api:')))
        .map((statement) => resolved(statement, facts)),
    },
  }
}

function resolved(
  { Effect, Action, Resource }: PolicyStatement,
  { apiId, region, accountId }: StackFacts,
): PolicyStatement {
  const values: Readonly<Record<string, string>> = {
    Api: apiId,
    'AWS::Partition': '*',
    'AWS::Region': region,
    'AWS::AccountId': accountId,
  }
  const resources = [Resource]
    .flat()
    .map((resource) => textOf(resource).replace(/\$\{([\w:]+)\}/g, (_, name: string) => values[name] ?? ''))
  return { Effect, Action, Resource: resources }
}

/** The text of `Fn::Sub`, with its placeholders. */
function textOf(value: unknown): string {
  return (value as { 'Fn::Sub': string })['Fn::Sub']
}
