// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { ANY_FUNCTION, expand, stageKey } from '../../src/core/wire/derivation.js'
import { generateKey, StageKeys } from '../../src/core/wire/root-key.js'
import { type DebugStackOptions, debugStackName, debugStackTemplate } from '../../src/deploy/index.js'
import { runFile } from '../../src/run-files.js'
import { s3LifecycleRule } from '../../src/stores/s3.js'
import { AwsSpec, type Template } from './debug-stack-spec.js'

const here = { app: 'shop', stage: 'dev' } as const
const key = generateKey()
const spec = new AwsSpec()

/** The template as CloudFormation reads it. */
function template(options: Partial<DebugStackOptions> = {}): Template {
  return JSON.parse(JSON.stringify(debugStackTemplate({ ...here, key, ...options })))
}

// biome-ignore lint/suspicious/noExplicitAny: what a template says is looked at by path
function properties(id: string, options: Partial<DebugStackOptions> = {}): any {
  const { Resources } = template(options)
  const resource = Resources[id]
  if (resource === undefined) throw new Error(`There is no ${id} among ${Object.keys(Resources)}.`)
  return resource.Properties
}

describe('the debug stack', () => {
  it('conforms to the specification of AWS, with every reference resolved', () => {
    expect(spec.problems(template({ tags: { team: 'a' }, logRetentionDays: 30 }))).toEqual([])
    expect(spec.problems(template())).toEqual([])
  })

  it('fits into a request, so that its deployment needs no bucket', () => {
    const tags = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`key${i}`, 'v'.repeat(30)]))
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    expect(
      Buffer.byteLength(JSON.stringify(debugStackTemplate({ ...here, key: [key, key], tags }))),
    ).toBeLessThan(51_200)
  })

  it('has the routes of the transport, and requires a signature to connect', () => {
    const { Resources } = template()
    const routes = Object.values(Resources).filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route')
    const relay = { 'Fn::Sub': 'integrations/${RelayIntegration}' }
    expect(routes.map(({ Properties }) => Properties)).toEqual([
      { ApiId: { Ref: 'Api' }, RouteKey: '$connect', Target: relay, AuthorizationType: 'AWS_IAM' },
      { ApiId: { Ref: 'Api' }, RouteKey: '$disconnect', Target: relay },
      { ApiId: { Ref: 'Api' }, RouteKey: '$default', Target: relay },
      { ApiId: { Ref: 'Api' }, RouteKey: 'ping', Target: { 'Fn::Sub': 'integrations/${PingIntegration}' } },
    ])
    expect(properties('Api')).toMatchObject({
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: '$request.body.action',
    })
    expect(properties('PingIntegration').IntegrationType).toBe('MOCK')
    expect(properties('RelayIntegration').IntegrationType).toBe('AWS_PROXY')
  })

  it('is deployed after its routes, and again when they change', () => {
    const { Resources } = template()
    const id = Object.keys(Resources).find((name) => name.startsWith('Deployment')) ?? ''
    const before = Object.entries(Resources)
      .filter(([, { Type }]) => /^AWS::ApiGatewayV2::(Route|Integration|IntegrationResponse)$/.test(Type))
      .map(([name]) => name)
    expect(Resources[id]?.DependsOn?.toString()).toBe(before.toString())
    expect(properties('ApiStage').DeploymentId).toEqual({ 'Fn::GetAtt': [id, 'DeploymentId'] })
    expect(id).toMatch(/^Deployment[0-9a-f]{8}$/)
    expect(Object.keys(template({ tags: { a: 'b' } }).Resources)).toContain(id)
  })

  it('runs the built relay, which needs nothing beside it', () => {
    const { Code, Handler, Runtime, Environment, Timeout } = properties('Relay')
    expect(Code.ZipFile).toBe(readFileSync(runFile('relay'), 'utf8'))
    // CloudFormation writes it to index.js, which Node takes for CommonJS.
    expect(Handler).toBe('index.handler')
    expect(typeof createRequire(import.meta.url)(runFile('relay')).handler).toBe('function')
    expect(Code.ZipFile.match(/require\("(?!node:)[^"]*"\)/g)).toBeNull()
    expect(Runtime).toBe('nodejs24.x')
    // Wherever a client has connected: a domain of one's own has no stage in its path.
    expect(Environment.Variables).toEqual({
      TABLE_NAME: { Ref: 'Connections' },
      APP: 'shop',
      STAGE: 'dev',
      PUBLIC_KEYS: expect.stringMatching(/^[\w-]{43}$/),
      AWS_ENDPOINT_URL_DYNAMODB: { 'Fn::Sub': 'https://dynamodb.${AWS::Region}.${AWS::URLSuffix}' },
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: {
        'Fn::Sub': 'https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/tether',
      },
    })
    // API Gateway waits for 29 seconds.
    expect(Timeout).toBeLessThan(29)
  })

  it('gives the relay the public halves of the keys of its stage, and holds no key that is secret', () => {
    const previous = Buffer.alloc(32, 7)
    const stages = [Buffer.from(key, 'base64url'), previous].map((root) => ({
      root,
      keys: new StageKeys(root, here),
      stage: stageKey(root, here),
    }))
    const both = { key: [key, previous] }
    const publicKeys = stages.map(({ keys }) => keys.publicBytes.toString('base64url'))
    expect(properties('Relay', both).Environment.Variables.PUBLIC_KEYS).toBe(publicKeys.join(','))
    expect(properties('Relay').Environment.Variables.PUBLIC_KEYS).toBe(publicKeys[0])
    const text = JSON.stringify(template(both))
    for (const { root, keys, stage } of stages) {
      const derived = ['sign', 'presence', 'peer', 'snapshot', 'function'].map((use) => expand(stage, use))
      const stubs = [keys.stub(ANY_FUNCTION), keys.stub(keys.tagOf('api'))]
      for (const secret of [root, stage, ...derived, ...stubs]) {
        for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
          expect(text).not.toContain(secret.toString(encoding).replace(/=+$/, ''))
      }
    }
    expect(text).not.toContain('lts2_')
  })

  it('grants the relay only the permissions it uses, on its own resources', () => {
    const { Policies, ManagedPolicyArns } = properties('RelayRole')
    const own = 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/tether'
    expect(ManagedPolicyArns).toBeUndefined()
    expect(Policies.map((policy: { PolicyDocument: unknown }) => policy.PolicyDocument)).toEqual([
      {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
            Resource: { 'Fn::GetAtt': ['Connections', 'Arn'] },
          },
          {
            Effect: 'Allow',
            Action: ['execute-api:ManageConnections'],
            Resource: ['POST', 'DELETE'].map((method) => ({ 'Fn::Sub': `${own}/${method}/@connections*` })),
          },
          {
            Effect: 'Allow',
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: { 'Fn::GetAtt': ['RelayLogs', 'Arn'] },
          },
        ],
      },
    ])
    expect(properties('RelayPermission')).toMatchObject({
      Principal: 'apigateway.amazonaws.com',
      SourceArn: { 'Fn::Sub': expect.stringMatching(/:\$\{Api\}\/\*$/) },
    })
    expect(properties('Relay').LoggingConfig).toEqual({ LogGroup: { Ref: 'RelayLogs' } })
    expect(properties('RelayLogs').RetentionInDays).toBe(7)
  })

  it('has an on-demand table with a TTL, and a private bucket that keeps objects for a day', () => {
    expect(properties('Connections')).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
    })
    const bucket = properties('Payloads')
    expect(Object.values(bucket.PublicAccessBlockConfiguration)).toEqual([true, true, true, true])
    expect(bucket.BucketEncryption.ServerSideEncryptionConfiguration).toHaveLength(1)
    const rule = s3LifecycleRule({ bucket: 'any' })
    expect(bucket.LifecycleConfiguration.Rules).toEqual([
      expect.objectContaining({ Status: 'Enabled', Prefix: rule.Filter.Prefix, ExpirationInDays: 1 }),
    ])
    expect(properties('PayloadsPolicy').PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [{ 'Fn::GetAtt': ['Payloads', 'Arn'] }, { 'Fn::Sub': '${Payloads.Arn}/*' }],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ])
  })

  it('puts the tags on everything that takes tags', () => {
    const tags = { team: 'payments', 'cost-centre': '4711' }
    const list = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    let tagged = 0
    for (const [id, { Type, Properties = {} }] of Object.entries(template({ tags }).Resources)) {
      const { tagInformation } = spec.resource(Type)!
      if (tagInformation === undefined) continue
      const expected = tagInformation.variant === 'map' ? tags : list
      expect(Properties[tagInformation.tagPropertyName], id).toEqual(expected)
      tagged += 1
    }
    expect(tagged).toBe(7)
    expect(JSON.stringify(template())).not.toContain('Tags')
  })

  it('outputs the values for the session, stubs and policies', () => {
    expect(template().Outputs).toMatchObject({
      Endpoint: { Value: { 'Fn::Sub': '${Api.ApiEndpoint}/${ApiStage}' } },
      ApiId: { Value: { Ref: 'Api' } },
      Bucket: { Value: { Ref: 'Payloads' } },
    })
  })

  it.each([
    ['app', { app: '' }],
    ['stage', { stage: 'x'.repeat(101) }],
    ['key', { key: undefined }],
    ['key', { key: 'short' }],
    ['key', { key: [] }],
    ['key', { key: [key, key, key] }],
    ['key[1]', { key: [key, 'short'] }],
    ['key', { key: new StageKeys(Buffer.alloc(32), here).stubKeyText(ANY_FUNCTION) }],
    ['tags', { tags: ['a'] }],
    ['tags', { tags: { 'aws:a': 'b' } }],
    ['tags.a', { tags: { a: 'x'.repeat(257) } }],
    ['tags.a', { tags: { a: 1 } }],
    ['tags', { tags: { 'a<b': '' } }],
    ['tags', { tags: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, ''])) }],
    ['logRetentionDays', { logRetentionDays: 2 }],
    ['tag', { tag: {} }],
  ])('refuses a wrong %s by name: %j', (name, wrong) => {
    expect(() => debugStackTemplate({ ...here, key, ...wrong } as DebugStackOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})

describe("the debug stack's name", () => {
  it('consists of stage, application and suffix', () => {
    expect(debugStackName(here)).toBe('dev-shop-debug-stack')
  })

  it.each([
    ['app', undefined],
    ['stage', { app: 'shop' }],
  ])('refuses a missing %s by name', (name, wrong) => {
    expect(() => debugStackName(wrong as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })

  it.each([
    [{ app: 'my_shop', stage: 'dev' }],
    [{ app: 'shop', stage: '1st' }],
    [{ app: 'a'.repeat(100), stage: 'b'.repeat(100) }],
    [{ app: '漢', stage: '*' }],
    [{ app: '-', stage: '-' }],
  ])('is valid in CloudFormation for %j', (odd) => {
    const name = debugStackName(odd)
    expect(name).toMatch(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
    expect(name).toMatch(/-[0-9a-f]{8}-debug-stack$/)
    expect(debugStackName({ ...odd, app: `${odd.app.slice(1)}_` })).not.toBe(name)
  })
})
