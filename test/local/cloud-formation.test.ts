// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import {
  CloudFormationClient,
  CreateStackCommand,
  type CreateStackCommandInput,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  type StackEvent,
  UpdateStackCommand,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
  waitUntilStackUpdateComplete,
} from '@aws-sdk/client-cloudformation'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'

const StackName = 'shop'
const QUEUE = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'orders' } }
const ROLE = {
  Type: 'AWS::IAM::Role',
  Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] } },
}

let cloud: LocalCloud
let client: CloudFormationClient
let failing: string | undefined
beforeEach(async () => {
  failing = undefined
  const failResource = ({ logicalId, action }: { logicalId: string; action: string }) =>
    `${action} ${logicalId}` === failing ? 'Rate exceeded' : undefined
  cloud = createLocalCloud({ controlPlane: { updateMs: 5, failResource } })
  await cloud.open()
  const { region, credentials, cloudFormationEndpoint: endpoint } = cloud
  client = new CloudFormationClient({ region, credentials, endpoint })
})
afterEach(async () => {
  client.destroy()
  await cloud.close()
})

const wait = () =>
  [{ client, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.02 } as never, { StackName }] as const
const body = (Resources: object, more: object = {}) => ({
  StackName,
  TemplateBody: JSON.stringify({ Resources, ...more }),
})
const create = (input: CreateStackCommandInput) => client.send(new CreateStackCommand(input))
const stack = async () => (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0]

async function settled(): Promise<string> {
  for (;;) {
    const status = String((await stack())?.StackStatus)
    if (!status.endsWith('_IN_PROGRESS')) return status
  }
}

async function events(): Promise<StackEvent[]> {
  return (await client.send(new DescribeStackEventsCommand({ StackName }))).StackEvents ?? []
}

describe('a stack of the local CloudFormation', () => {
  it('is made in the order of its references, and found under its name, its template and its resources', async () => {
    const template = {
      Dead: { Type: 'AWS::SQS::Queue', DependsOn: 'Orders' },
      Orders: QUEUE,
    }
    const Outputs = {
      Url: { Value: { Ref: 'Orders' }, Description: 'Where orders go' },
      Arn: { Value: { 'Fn::Join': [':', ['arn', { 'Fn::GetAtt': ['Orders', 'Arn'] }]] } },
      Sub: { Value: { 'Fn::Sub': ['${Orders.QueueName}-${Own}-${AWS::Region}', { Own: { Ref: 'Size' } }] } },
      Never: { Value: 'x', Condition: 'Large' },
    }
    const Parameters = {
      Size: { Type: 'String' },
      Secret: { Type: 'String', NoEcho: true, Default: 's3cret' },
    }
    const Conditions = { Large: { 'Fn::Equals': [{ Ref: 'Size' }, 'L'] } }
    const input = body(template, { Description: 'A shop', Outputs, Parameters, Conditions })
    await create({
      ...input,
      Parameters: [{ ParameterKey: 'Size', ParameterValue: 'S' }],
      Tags: [{ Key: 'a', Value: '<b>' }],
    })
    await waitUntilStackCreateComplete(...wait())
    expect(await stack()).toMatchObject({
      Description: 'A shop',
      Tags: [{ Key: 'a', Value: '<b>' }],
      Parameters: [
        { ParameterKey: 'Size', ParameterValue: 'S' },
        { ParameterKey: 'Secret', ParameterValue: '****' },
      ],
      Outputs: [
        { OutputKey: 'Url', OutputValue: cloud.queue('orders').url, Description: 'Where orders go' },
        { OutputKey: 'Arn', OutputValue: `arn:${cloud.queue('orders').arn}` },
        { OutputKey: 'Sub', OutputValue: 'orders-S-us-east-1' },
      ],
    })
    const told = (await events()).map(
      ({ LogicalResourceId, ResourceStatus }) => `${LogicalResourceId} ${ResourceStatus}`,
    )
    expect(told.reverse()).toEqual([
      'shop CREATE_IN_PROGRESS',
      'Orders CREATE_IN_PROGRESS',
      'Orders CREATE_COMPLETE',
      'Dead CREATE_IN_PROGRESS',
      'Dead CREATE_COMPLETE',
      'shop CREATE_COMPLETE',
    ])
    const found = await client.send(new GetTemplateCommand({ StackName, TemplateStage: 'Original' }))
    expect(found.TemplateBody).toBe(input.TemplateBody)
    const { StackResources } = await client.send(new DescribeStackResourcesCommand({ StackName }))
    expect(StackResources).toMatchObject([
      { LogicalResourceId: 'Orders', PhysicalResourceId: cloud.queue('orders').url },
      { LogicalResourceId: 'Dead' },
    ])
  })

  it('has functions that run, are changed in place and are deleted', async () => {
    const fn = (text: string, FunctionName = 'api') => ({
      Role: ROLE,
      Api: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName,
          Runtime: 'nodejs22.x',
          Handler: 'index.handler',
          Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Code: { ZipFile: `exports.handler = async () => process.env.WORD ?? '${text}'` },
          ...(text === 'env' && { Environment: { Variables: { WORD: 'variable' } } }),
        },
      },
    })
    const Capabilities = ['CAPABILITY_IAM' as const]
    const { region, credentials, lambdaEndpoint: endpoint } = cloud
    const lambda = new LambdaClient({ region, credentials, endpoint })
    const answer = async (FunctionName = 'api') => {
      const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }))
      return JSON.parse(Buffer.from(Payload ?? []).toString())
    }
    await create({ ...body(fn('first')), Capabilities })
    await waitUntilStackCreateComplete(...wait())
    expect(await answer()).toBe('first')
    for (const [text, name, expected] of [
      ['second', 'api', 'second'],
      ['env', 'api', 'variable'],
      ['renamed', 'api2', 'renamed'],
    ] as const) {
      await client.send(new UpdateStackCommand({ ...body(fn(text, name)), Capabilities }))
      await waitUntilStackUpdateComplete(...wait())
      expect(await answer(name)).toBe(expected)
    }
    await expect(answer('api')).rejects.toThrow(/not found/)
    await client.send(new DeleteStackCommand({ StackName }))
    await waitUntilStackDeleteComplete(...wait())
    await expect(answer('api2')).rejects.toThrow(/not found/)
    lambda.destroy()
  })

  it('is rolled back if a resource fails, and must be deleted before its name is used again', async () => {
    failing = 'CREATE Second'
    const { StackId } = await create(
      body({ First: QUEUE, Second: { Type: 'AWS::SQS::Queue', DependsOn: 'First' } }),
    )
    expect(await settled()).toBe('ROLLBACK_COMPLETE')
    const told = (await events()).map(({ LogicalResourceId, ResourceStatus, ResourceStatusReason }) => [
      LogicalResourceId,
      ResourceStatus,
      ResourceStatusReason,
    ])
    expect(told).toContainEqual(['Second', 'CREATE_FAILED', 'Rate exceeded'])
    expect(told).toContainEqual(['First', 'DELETE_COMPLETE', undefined])
    const text = body({ First: QUEUE })
    await expect(create(text)).rejects.toMatchObject({
      name: 'AlreadyExistsException',
      message: 'Stack [shop] already exists',
    })
    await expect(client.send(new UpdateStackCommand(text))).rejects.toMatchObject({
      name: 'ValidationError',
      message: `Stack:${StackId} is in ROLLBACK_COMPLETE state and can not be updated.`,
    })
    await client.send(new DeleteStackCommand({ StackName }))
    await waitUntilStackDeleteComplete(...wait())
    await create(text)
    await waitUntilStackCreateComplete(...wait())
  })

  it('keeps a bucket that is not empty', async () => {
    await create(
      body({ Files: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'files' } }, First: QUEUE }),
    )
    await waitUntilStackCreateComplete(...wait())
    cloud.bucket('files').put('a', 'x')
    await client.send(new DeleteStackCommand({ StackName }))
    await expect(waitUntilStackDeleteComplete(...wait())).rejects.toThrow()
    expect(await stack()).toMatchObject({
      StackStatus: 'DELETE_FAILED',
      StackStatusReason: 'The following resource(s) failed to delete: [Files]. ',
    })
    cloud.bucket('files').delete('a')
    await client.send(new DeleteStackCommand({ StackName }))
    await waitUntilStackDeleteComplete(...wait())
    await expect(stack()).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack with id shop does not exist',
    })
  })

  it('keeps its tags if an update omits them, and deletes a resource when its condition turns false', async () => {
    const Tags = [{ Key: 'team', Value: 'shop' }]
    const counted = (Default: string) =>
      body(
        { First: QUEUE, Second: { Type: 'AWS::SQS::Queue', Condition: 'Two' } },
        {
          Parameters: { Count: { Type: 'String', Default } },
          Conditions: { Two: { 'Fn::Equals': [{ Ref: 'Count' }, '2'] } },
        },
      )
    const update = async (input: CreateStackCommandInput) => {
      await client.send(new UpdateStackCommand(input))
      expect(await settled()).toBe('UPDATE_COMPLETE')
    }
    await create({ ...counted('2'), Tags })
    expect(await settled()).toBe('CREATE_COMPLETE')
    await update(counted('1'))
    expect((await stack())?.Tags).toEqual(Tags)
    const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ StackName }))
    expect(StackResources.map(({ LogicalResourceId }) => LogicalResourceId)).toEqual(['First'])
    await update({ ...counted('1'), Tags: [] })
    expect((await stack())?.Tags ?? []).toEqual([])
  })

  it('refuses an update without changes, or while another one runs', async () => {
    // A step takes 5 ms.
    const chain = Array.from({ length: 40 }, (_, at) => [
      `Queue${at}`,
      { Type: 'AWS::SQS::Queue', ...(at > 0 && { DependsOn: `Queue${at - 1}` }) },
    ])
    const text = body({ ...Object.fromEntries(chain), First: QUEUE })
    const { StackId } = await create(text)
    await expect(client.send(new UpdateStackCommand(text))).rejects.toThrow(
      `Stack:${StackId} is in CREATE_IN_PROGRESS state and can not be updated.`,
    )
    await waitUntilStackCreateComplete(...wait())
    const sorted = body(
      { ...Object.fromEntries(chain), First: { Properties: QUEUE.Properties, Type: QUEUE.Type } },
      { Description: 'New words' },
    )
    await expect(client.send(new UpdateStackCommand(sorted))).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'No updates are to be performed.',
    })
  })

  it.each([
    ['InsufficientCapabilitiesException', 'Requires capabilities : [CAPABILITY_IAM]', body({ Role: ROLE })],
    [
      'InsufficientCapabilitiesException',
      'Requires capabilities : [CAPABILITY_NAMED_IAM]',
      {
        ...body({ Role: { ...ROLE, Properties: { ...ROLE.Properties, RoleName: 'own' } } }),
        Capabilities: ['CAPABILITY_IAM' as const],
      },
    ],
    [
      'InsufficientCapabilitiesException',
      'Requires capabilities : [CAPABILITY_AUTO_EXPAND]',
      body({ First: QUEUE }, { Transform: 'AWS::Serverless-2016-10-31' }),
    ],
    ['ValidationError', 'Template format error: unsupported structure.', { StackName, TemplateBody: '{' }],
    ['ValidationError', 'Template format error: At least one Resources member must be defined.', body({})],
    [
      'ValidationError',
      'Template format error: Unrecognized resource types: [Queue]',
      body({ First: { Type: 'Queue' } }),
    ],
    [
      'ValidationError',
      'Template format error: Unresolved resource dependencies [Other] in the Resources block of the template',
      body({ First: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'Other' } } } }),
    ],
    [
      'ValidationError',
      'Circular dependency between resources: [A, B]',
      body({ A: { ...QUEUE, DependsOn: 'B' }, B: { ...QUEUE, DependsOn: ['A'] } }),
    ],
    [
      'ValidationError',
      'Parameters: [Size] must have values',
      body({ First: QUEUE }, { Parameters: { Size: { Type: 'String' } } }),
    ],
    [
      'ValidationError',
      'Parameters: [Size] do not exist in the template',
      { ...body({ First: QUEUE }), Parameters: [{ ParameterKey: 'Size', ParameterValue: 'S' }] },
    ],
    [
      'ValidationError',
      /at 'stackName' failed to satisfy constraint/,
      { ...body({ First: QUEUE }), StackName: '1st' },
    ],
    [
      'ValidationError',
      /less than or equal to 51200/,
      body({ First: QUEUE }, { Description: 'x'.repeat(51_200) }),
    ],
  ])('refuses with %s: %s', async (name, message, input) => {
    await expect(create(input)).rejects.toMatchObject({
      name,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    })
  })

  it('fails, as AWS does not, for a type that the local cloud does not make', async () => {
    await create(body({ Table: { Type: 'AWS::DynamoDB::Table' } }))
    expect(await settled()).toBe('ROLLBACK_COMPLETE')
    expect((await events()).map(({ ResourceStatusReason }) => ResourceStatusReason)).toContain(
      'The local cloud makes no AWS::DynamoDB::Table.',
    )
  })
})
