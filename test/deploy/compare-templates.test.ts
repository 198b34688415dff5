// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { compareTemplates, type InfrastructureTemplate, LAYER_WRAPPER } from '../../src/deploy/index.js'

type Resource = { readonly Type: string; readonly [name: string]: unknown }

const [HASH_A, HASH_B] = ['a'.repeat(64), 'b'.repeat(64)]
const trust = {
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
  Version: '2012-10-17',
}
const allow = (Action: string | string[]) => ({
  Effect: 'Allow',
  Action,
  Resource: { 'Fn::GetAtt': ['Orders', 'Arn'] },
})
const policy = (...Statement: object[]): Resource => ({
  Type: 'AWS::IAM::Policy',
  Properties: {
    PolicyName: 'own',
    PolicyDocument: { Statement, Version: '2012-10-17' },
    Roles: [{ Ref: 'Role' }],
  },
})

/** A template as the CDK writes it. */
function app({ hash = HASH_A, variables = {}, resources = {}, more = {} } = {}): InfrastructureTemplate {
  const path = { 'aws:cdk:path': 'Shop/api', 'aws:asset:path': `asset.${hash}` }
  return {
    Description: `made at ${hash}`,
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: trust }, Metadata: path },
      Policy: policy(allow('dynamodb:GetItem')),
      Orders: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          TableName: 'orders',
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        },
        UpdateReplacePolicy: 'Delete',
        DeletionPolicy: 'Delete',
      },
      Api: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Code: { S3Bucket: { 'Fn::Sub': 'cdk-assets-${AWS::Region}' }, S3Key: `${hash}.zip` },
          Handler: 'index.handler',
          Runtime: 'nodejs22.x',
          Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
          Environment: { Variables: { TABLE: { Ref: 'Orders' }, ...variables } },
        },
        DependsOn: ['Policy', 'Role'],
        Metadata: path,
      },
      [`ApiCurrentVersion0123ABCD${hash.slice(0, 32)}`]: {
        Type: 'AWS::Lambda::Version',
        Properties: { FunctionName: { Ref: 'Api' } },
      },
      CDKMetadata: {
        Type: 'AWS::CDK::Metadata',
        Properties: { Analytics: `v2:deflate64:${hash}` },
        Condition: 'CDKMetadataAvailable',
      },
      ...resources,
    },
    Conditions: { CDKMetadataAvailable: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, hash] } },
    Parameters: {
      BootstrapVersion: {
        Type: 'AWS::SSM::Parameter::Value<String>',
        Default: `/cdk-bootstrap/${hash}/version`,
      },
      [`AssetParameters${hash}S3Bucket`]: { Type: 'String', Description: 'S3 bucket for asset' },
    },
    Rules: { CheckBootstrapVersion: { Assertions: [{ Assert: hash }] } },
    ...more,
  }
}

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, one]) => [key, reversed(one)]),
  )
}

const impacts = async (
  before: InfrastructureTemplate | undefined,
  after: InfrastructureTemplate | undefined,
) =>
  Object.fromEntries(
    (await compareTemplates(before, after)).changes.map(({ logicalId, impact }) => [logicalId, impact]),
  )

describe('compareTemplates', () => {
  it('finds no difference in assets, metadata, descriptions and the order of keys', async () => {
    const diff = await compareTemplates(app(), reversed(app({ hash: HASH_B })) as InfrastructureTemplate)
    expect(diff).toMatchObject({ changes: [], widened: [], others: [], empty: true, safe: true })
    expect(String(diff)).toBe('No infrastructure changes.')
  })

  it('reports a change of code alone only for a function that is not live', async () => {
    const options = { live: ['Worker'] }
    const diff = await compareTemplates(app(), app({ hash: HASH_B }), options)
    expect(diff.changes).toEqual([
      {
        stack: '',
        logicalId: 'Api',
        type: 'AWS::Lambda::Function',
        impact: 'updated',
        properties: [],
        code: true,
      },
    ])
    expect((await compareTemplates(app(), app({ hash: HASH_B }), { live: ['Api'] })).empty).toBe(true)
    expect((await compareTemplates(app(), app({ hash: HASH_B }), { live: 'none' })).empty).toBe(false)
  })

  it('ignores additions by this package’s aspects', async () => {
    const stub = {
      LAMBDA_TETHER_KEY: 'a key',
      LAMBDA_TETHER_EXEC_WRAPPER: '/opt/own',
      AWS_LAMBDA_EXEC_WRAPPER: LAYER_WRAPPER,
    }
    const before = app({ variables: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/own' } })
    const after = structuredClone(app({ variables: stub })) as {
      Resources: Record<string, { Properties: Record<string, unknown> }>
    }
    after.Resources.Api!.Properties.Layers = [{ Ref: 'LambdaTether0A1B' }]
    Object.assign(after.Resources, {
      LambdaTether0A1B: {
        Type: 'AWS::Lambda::LayerVersion',
        Properties: { Content: { S3Key: `${HASH_B}.zip` } },
      },
    })
    expect((await compareTemplates(before, after as never)).empty).toBe(true)
  })

  it('reports an added variable by name, without its value', async () => {
    const diff = await compareTemplates(app(), app({ variables: { API_TOKEN: 'tok-123' } }), {
      stack: 'Shop',
    })
    expect(diff.changes).toEqual([
      {
        stack: 'Shop',
        logicalId: 'Api',
        type: 'AWS::Lambda::Function',
        impact: 'updated',
        properties: [{ path: 'Environment.Variables.API_TOKEN' }],
        code: false,
      },
    ])
    expect(String(diff)).toBe(
      [
        '1 infrastructure change in Shop: 1 updated.',
        'Nothing is replaced or destroyed.',
        'No rights are widened.',
        '~ Api (AWS::Lambda::Function): updated',
        '    Environment.Variables.API_TOKEN',
      ].join('\n'),
    )
    expect(JSON.stringify(diff)).not.toContain('tok-123')
  })

  it('reports widened permissions, but not narrowed ones', async () => {
    const wide = app({ resources: { Policy: policy(allow(['dynamodb:GetItem', 'dynamodb:DeleteTable'])) } })
    const diff = await compareTemplates(app(), wide)
    expect(diff).toMatchObject({ safe: false, changes: [{ logicalId: 'Policy', impact: 'updated' }] })
    expect(diff.widened).toMatchObject([
      {
        principal: 'AWS:Role',
        actions: ['dynamodb:DeleteTable', 'dynamodb:GetItem'],
        resources: ['Orders.Arn'],
      },
    ])
    expect(String(diff).split('\n')[2]).toBe(
      'Rights are widened: AWS:Role may dynamodb:DeleteTable, dynamodb:GetItem.',
    )
    const narrowed = await compareTemplates(
      app(),
      app({
        resources: {
          Policy: policy({ ...allow('dynamodb:GetItem'), Effect: 'Deny' }, allow('dynamodb:GetItem')),
        },
      }),
    )
    expect(narrowed.widened).toEqual([])
  })

  it('reports a rename as a dangerous replacement', async () => {
    const { Resources } = app() as { Resources: Record<string, { Properties: object }> }
    const Orders = {
      ...Resources.Orders,
      Properties: { ...Resources.Orders!.Properties, TableName: 'Orders' },
    }
    const diff = await compareTemplates(app(), app({ resources: { Orders } }))
    expect(diff.changes).toContainEqual(
      expect.objectContaining({
        logicalId: 'Orders',
        impact: 'replaced',
        properties: [{ path: 'TableName', before: 'orders', after: 'Orders' }],
      }),
    )
    expect(diff.safe).toBe(false)
    expect(String(diff).split('\n')[1]).toContain('Dangerous: Orders (AWS::DynamoDB::Table) is replaced')
  })

  it('reports resources as created, maybe replaced, destroyed or orphaned', async () => {
    const queue = { Type: 'AWS::SQS::Queue' }
    const fn = {
      Type: 'AWS::Lambda::Function',
      Properties: { Code: { ZipFile: '' }, Role: { 'Fn::GetAtt': ['Role', 'Arn'] } },
    }
    const one = app({ resources: { Queue: queue, Kept: { ...queue, DeletionPolicy: 'Retain' } } })
    expect(await impacts(one, app({ resources: { Worker: fn } }))).toEqual({
      Worker: 'created',
      Queue: 'destroyed',
      Kept: 'orphaned',
    })
    const cluster = (EngineVersion: string) =>
      app({ resources: { Db: { Type: 'AWS::RDS::DBInstance', Properties: { Engine: EngineVersion } } } })
    expect(await impacts(cluster('mysql'), cluster('postgres'))).toEqual({ Db: 'may-be-replaced' })
    expect(Object.values(await impacts(undefined, app()))).toEqual(Array(5).fill('created'))
    expect(Object.values(await impacts(app(), undefined))).toEqual(Array(5).fill('destroyed'))
  })

  it('reports a property unknown to the library', async () => {
    const queue = (Newest: string) =>
      app({ resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { Newest } } } })
    expect(await impacts(queue('a'), queue('b'))).toEqual({ Queue: 'updated' })
  })

  it('reports a nested stack with a changed template', async () => {
    const nested = (hash: string) =>
      app({
        resources: {
          Nested: {
            Type: 'AWS::CloudFormation::Stack',
            Properties: { TemplateURL: `https://s3/${hash}.json` },
          },
        },
      })
    expect(await impacts(nested(HASH_A), nested(HASH_B))).toEqual({ Nested: 'updated' })
    expect(await impacts(nested(HASH_A), nested(HASH_A))).toEqual({})
  })

  it('compares templates before their transforms run', async () => {
    const sam = (CodeUri: string, include: string): InfrastructureTemplate => ({
      Transform: 'AWS::Serverless-2016-10-31',
      Resources: {
        Api: {
          Type: 'AWS::Serverless::Function',
          Properties: {
            CodeUri,
            Handler: 'index.handler',
            Environment: { 'Fn::Transform': { Name: 'AWS::Include', Parameters: { Location: include } } },
          },
        },
      },
    })
    expect((await compareTemplates(sam('a', 'x'), sam('b', 'x'))).empty).toBe(true)
    const diff = await compareTemplates(sam('a', 'x'), sam('a', 'y'))
    expect(diff.changes).toMatchObject([
      { logicalId: 'Api', impact: 'updated', properties: [{ path: 'Environment' }] },
    ])
    const { Transform: _, ...plain } = sam('a', 'x')
    expect((await compareTemplates(plain, sam('a', 'x'))).others).toEqual(['Transform'])
  })

  it('hides the default of a NoEcho parameter, but reports that it differs', async () => {
    const secret = (Default: string) =>
      app({ more: { Parameters: { Password: { Type: 'String', NoEcho: true, Default } } } })
    const diff = await compareTemplates(secret('hunter2'), secret('hunter3'), { stack: 'Shop' })
    expect(diff.others).toEqual(['Shop.Parameters.Password'])
    expect(`${diff}${JSON.stringify(diff)}`).not.toContain('hunter')
    const user = (MasterUserPassword: string) =>
      app({ resources: { Db: { Type: 'AWS::RDS::DBInstance', Properties: { MasterUserPassword } } } })
    expect(`${await compareTemplates(user('hunter2'), user('hunter3'))}`).toContain('MasterUserPassword')
    expect(`${await compareTemplates(user('hunter2'), user('hunter3'))}`).not.toContain('hunter')
  })

  it.each([
    ['AWS::SSM::Parameter', { Value: 'hunter2' }, 'Value'],
    ['AWS::CloudFormation::Stack', { Parameters: { Pin: 'hunter2' } }, 'Parameters.Pin'],
    ['AWS::Serverless::Application', { Parameters: { Pin: 'hunter2' } }, 'Parameters.Pin'],
    ['AWS::EC2::Instance', { UserData: 'export PIN=hunter2' }, 'UserData'],
    ['AWS::SNS::Subscription', { Endpoint: 'https://shop:hunter2@hook/' }, 'Endpoint'],
    ['AWS::SNS::Subscription', { Endpoint: 'https://hook?pin=default-pin' }, 'Endpoint'],
    ['AWS::IoT::Thing', { ThingName: 'hunter2' }, 'ThingName', { ThingName: { Ref: 'Pin' } }],
  ])('prints no secret of %s', async (Type, Properties, path, before: object = {}) => {
    const Parameters = { Pin: { Type: 'String', NoEcho: 'true', Default: 'default-pin' } }
    const one = (properties: object) =>
      app({ resources: { One: { Type, Properties: { Own: 'o', ...properties } } }, more: { Parameters } })
    const empty = Object.fromEntries(Object.keys(Properties).map((name) => [name, '']))
    const nested = 'Parameters' in Properties ? { Parameters: { Pin: '' } } : empty
    const diff = await compareTemplates(one({ ...nested, ...before }), one(Properties))
    expect(diff.changes[0]?.properties.map((one) => one.path)).toEqual([path])
    expect(`${diff}${JSON.stringify(diff)}`).not.toMatch(/hunter2|default-pin/)
  })

  it('loads the library only in its worker', async () => {
    await compareTemplates(app(), app({ variables: { A: '1' } }))
    const loaded = Object.keys(createRequire(import.meta.url).cache)
    expect(loaded.filter((file) => file.includes('cloudformation-diff'))).toEqual([])
  })

  it('gives equal differences the same fingerprint', async () => {
    const one = await compareTemplates(app(), app({ variables: { A: '1' } }))
    const again = await compareTemplates(app(), app({ variables: { A: '1' }, hash: HASH_B }))
    const other = await compareTemplates(app(), app({ variables: { A: '2' } }))
    expect(again.fingerprint).toBe(one.fingerprint)
    expect(other.fingerprint).not.toBe(one.fingerprint)
  })

  it('prints no terminal control sequences', async () => {
    const resources = { 'Evil\u001b[2J': { Type: 'AWS::SQS::Queue' } }
    expect(String(await compareTemplates(app(), app({ resources })))).toContain('Evil\\x1b[2J')
  })

  it('compares 600 resources', async () => {
    const many = (rename: string) => {
      const resources = Array.from({ length: 600 }, (_, at) => [
        `Queue${at}`,
        { Type: 'AWS::SQS::Queue', Properties: { QueueName: at % 10 === 0 ? `${rename}${at}` : `q${at}` } },
      ])
      return { Resources: Object.fromEntries(resources) }
    }
    const { changes } = await compareTemplates(many('a'), many('b'))
    expect(changes.map(({ impact }) => impact)).toEqual(Array(60).fill('replaced'))
  })

  it('refuses a value that is not a template', async () => {
    await expect(compareTemplates('{}' as never, {})).rejects.toThrow(/'before' must be a template/)
  })
})
