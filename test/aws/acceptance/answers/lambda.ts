import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  DeleteLayerVersionCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  InvokeCommand,
  ListAliasesCommand,
  ListLayerVersionsCommand,
  ListProvisionedConcurrencyConfigsCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { zip } from '../../../../src/deploy/zip/zip.js'
import { createFunction, settled } from '../resources.js'
import type { AnswerCase, CaseContext } from './case.js'

const CODE = zip({ 'index.mjs': Buffer.from('export const handler = async (event) => event\n') })
const LAYER = zip({ 'text.txt': Buffer.from('a layer\n') })

const input = ({ name, roleArn }: CaseContext) => ({
  FunctionName: name,
  Role: roleArn,
  Runtime: 'nodejs22.x' as const,
  Handler: 'index.handler',
  Code: { ZipFile: CODE },
  Environment: { Variables: { OWN: 'value' } },
  Tags: { purpose: 'acceptance' },
})
const arnOf = async ({ lambda, name }: CaseContext) =>
  (await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }))).FunctionArn ?? ''

/** Calls of Lambda's about a function of their own. */
export const functionCases: readonly AnswerCase[] = [
  { name: 'CreateFunction', ask: (context) => createFunction(context, input(context)) },
  {
    name: 'CreateFunction twice',
    error: 'ResourceConflictException',
    ask: async (context) => {
      await settled(context.lambda, context.name)
      await context.lambda.send(new CreateFunctionCommand(input(context)))
    },
  },
  {
    name: 'GetFunction',
    ask: ({ lambda, name }) => lambda.send(new GetFunctionCommand({ FunctionName: name })),
  },
  {
    name: 'GetFunction missing',
    error: 'ResourceNotFoundException',
    ask: ({ lambda, name }) => lambda.send(new GetFunctionCommand({ FunctionName: `${name}-missing` })),
  },
  {
    name: 'GetFunctionConfiguration',
    ask: ({ lambda, name }) => lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name })),
  },
  {
    name: 'UpdateFunctionConfiguration',
    ask: ({ lambda, name }) =>
      lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Timeout: 5 })),
  },
  {
    name: 'UpdateFunctionConfiguration of an old revision',
    error: 'PreconditionFailedException',
    ask: async ({ lambda, name }) => {
      await settled(lambda, name)
      const RevisionId = '00000000-0000-4000-8000-000000000000'
      const command = new UpdateFunctionConfigurationCommand({ FunctionName: name, Timeout: 6, RevisionId })
      await lambda.send(command)
    },
  },
  {
    name: 'UpdateFunctionConfiguration beyond a limit',
    error: 'ValidationException',
    ask: ({ lambda, name }) =>
      lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Timeout: 901 })),
  },
  {
    name: 'UpdateFunctionCode',
    ask: ({ lambda, name }) =>
      lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: CODE })),
  },
  {
    name: 'UpdateFunctionCode with no zip',
    error: 'InvalidParameterValueException',
    ask: async ({ lambda, name }) => {
      await settled(lambda, name)
      await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: Buffer.from('no zip') }))
    },
  },
  {
    name: 'Invoke',
    ask: ({ lambda, name }) =>
      lambda.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from('{}'), LogType: 'Tail' })),
  },
  {
    name: 'Invoke asynchronously',
    ask: ({ lambda, name }) =>
      lambda.send(
        new InvokeCommand({ FunctionName: name, Payload: Buffer.from('{}'), InvocationType: 'Event' }),
      ),
  },
  {
    name: 'Invoke with no JSON',
    error: 'InvalidRequestContentException',
    ask: ({ lambda, name }) =>
      lambda.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from('{') })),
  },
  {
    name: 'Invoke with too much',
    error: 'RequestTooLargeException',
    ask: ({ lambda, name }) =>
      lambda.send(
        new InvokeCommand({
          FunctionName: name,
          Payload: Buffer.from(JSON.stringify('x'.repeat(6 * 1024 ** 2))),
        }),
      ),
  },
  {
    name: 'Invoke missing',
    error: 'ResourceNotFoundException',
    ask: ({ lambda, name }) => lambda.send(new InvokeCommand({ FunctionName: `${name}-missing` })),
  },
  {
    name: 'TagResource',
    ask: async (context) =>
      context.lambda.send(
        new TagResourceCommand({ Resource: await arnOf(context), Tags: { more: 'than one' } }),
      ),
  },
  {
    name: 'ListTags',
    ask: async (context) => context.lambda.send(new ListTagsCommand({ Resource: await arnOf(context) })),
  },
  {
    name: 'UntagResource',
    ask: async (context) =>
      context.lambda.send(new UntagResourceCommand({ Resource: await arnOf(context), TagKeys: ['more'] })),
  },
  {
    name: 'PublishVersion',
    ask: ({ lambda, name }) => lambda.send(new PublishVersionCommand({ FunctionName: name })),
  },
  {
    name: 'ListVersionsByFunction',
    ask: ({ lambda, name }) => lambda.send(new ListVersionsByFunctionCommand({ FunctionName: name })),
  },
  {
    name: 'CreateAlias',
    ask: ({ lambda, name }) =>
      lambda.send(new CreateAliasCommand({ FunctionName: name, Name: 'prod', FunctionVersion: '1' })),
  },
  {
    name: 'ListAliases',
    ask: ({ lambda, name }) => lambda.send(new ListAliasesCommand({ FunctionName: name })),
  },
  {
    name: 'GetFunctionConcurrency',
    ask: ({ lambda, name }) => lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: name })),
  },
  {
    name: 'ListProvisionedConcurrencyConfigs',
    ask: ({ lambda, name }) =>
      lambda.send(new ListProvisionedConcurrencyConfigsCommand({ FunctionName: name })),
  },
]

/** Calls of Lambda's about a layer of their own. */
export const layerCases: readonly AnswerCase[] = [
  {
    name: 'PublishLayerVersion',
    ask: ({ lambda, name }) =>
      lambda.send(new PublishLayerVersionCommand({ LayerName: name, Content: { ZipFile: LAYER } })),
  },
  {
    name: 'GetLayerVersion',
    ask: ({ lambda, name }) => lambda.send(new GetLayerVersionCommand({ LayerName: name, VersionNumber: 1 })),
  },
  {
    name: 'GetLayerVersion missing',
    error: 'ResourceNotFoundException',
    ask: ({ lambda, name }) =>
      lambda.send(new GetLayerVersionCommand({ LayerName: name, VersionNumber: 99 })),
  },
  {
    name: 'ListLayerVersions',
    ask: ({ lambda, name }) => lambda.send(new ListLayerVersionsCommand({ LayerName: name })),
  },
  {
    name: 'GetLayerVersionByArn',
    ask: async ({ lambda, name }) => {
      const command = new ListLayerVersionsCommand({ LayerName: name })
      const [layer] = (await lambda.send(command)).LayerVersions ?? []
      await lambda.send(new GetLayerVersionByArnCommand({ Arn: layer?.LayerVersionArn }))
    },
  },
]

/** Calls of Lambda's that come last. */
export const lastLambdaCases: readonly AnswerCase[] = [
  {
    name: 'DeleteLayerVersion',
    ask: ({ lambda, name }) =>
      lambda.send(new DeleteLayerVersionCommand({ LayerName: name, VersionNumber: 1 })),
  },
  {
    name: 'DeleteFunction',
    ask: ({ lambda, name }) => lambda.send(new DeleteFunctionCommand({ FunctionName: name })),
  },
  {
    name: 'DeleteFunction missing',
    error: 'ResourceNotFoundException',
    ask: ({ lambda, name }) => lambda.send(new DeleteFunctionCommand({ FunctionName: `${name}-missing` })),
  },
]
