// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { describe, expect, it } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { debugStackTemplate } from '../../src/deploy/index.js'
import { AwsSpec, type Template } from './debug-stack-spec.js'

const spec = new AwsSpec()
const key = generateKey()

/** A good template with one value in another's place; `undefined` takes it away. */
function broken(path: string, value: unknown): Template {
  const template = JSON.parse(JSON.stringify(debugStackTemplate({ app: 'shop', stage: 'dev', key })))
  const steps = path.split('/')
  const last = steps.pop() ?? ''
  const parent = steps.reduce((at, step) => at[step], template)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return template
}

describe('the check of a template', () => {
  // In each, one thing is wrong, and it must be found for what it is.
  it.each([
    ['a type of none', 'Api/Type', 'AWS::ApiGatewayV2::Apis', 'Api: there is no type'],
    ['a property of none', 'Relay/Properties/Memory', 1, 'Relay.Memory: there is no such'],
    ['a missing property', 'Relay/Properties/Code', undefined, 'Relay.Code: is required'],
    [
      'a missing property further in',
      'Connections/Properties/TimeToLiveSpecification/Enabled',
      undefined,
      'Connections.TimeToLiveSpecification.Enabled: is required',
    ],
    ['a text for a number', 'Relay/Properties/Timeout', '15', 'Relay.Timeout: is no integer'],
    ['a fraction', 'Relay/Properties/Timeout', 1.5, 'Relay.Timeout: is no integer'],
    [
      'a number of none',
      'RelayLogs/Properties/RetentionInDays',
      2,
      'RelayLogs.RetentionInDays: is no integer',
    ],
    ['a number for a text', 'Api/Properties/Name', 1, 'Api.Name: is no string'],
    ['a text for a yes', 'Connections/Properties/TimeToLiveSpecification/Enabled', 'true', 'is no boolean'],
    ['tags as a list', 'Api/Properties/Tags', [], 'Api.Tags: is no map'],
    ['tags as a map', 'Relay/Properties/Tags', { a: 'b' }, 'Relay.Tags: is no array'],
    ['a tag without a value', 'Relay/Properties/Tags', [{ Key: 'a' }], 'Relay.Tags[0]: is no tag'],
    [
      'a word of none in a list',
      'Payloads/Properties/LifecycleConfiguration/Rules/0/Status',
      'On',
      'Payloads.LifecycleConfiguration.Rules[0].Status: is no string',
    ],
    [
      'a key of another shape',
      'Connections/Properties/KeySchema/1/KeyType',
      1,
      'Connections.KeySchema[1].KeyType: is no',
    ],
    ['a key schema of another shape', 'Connections/Properties/KeySchema', 7, 'Connections.KeySchema: is no'],
    ['a Ref to nothing', 'ApiStage/Properties/ApiId', { Ref: 'Apu' }, 'ApiStage.ApiId.Ref: there is no Apu'],
    [
      'a Ref to what AWS does not have',
      'Api/Properties/Name',
      { Ref: 'AWS::Stack' },
      'there is no AWS::Stack',
    ],
    [
      'an attribute of none',
      'Relay/Properties/Role',
      { 'Fn::GetAtt': ['RelayRole', 'ARN'] },
      'AWS::IAM::Role has no attribute ARN',
    ],
    [
      'a name of none in a text',
      'PingRoute/Properties/Target',
      { 'Fn::Sub': 'integrations/${Ping}' },
      'PingRoute.Target.Fn::Sub: there is no Ping',
    ],
    [
      'an attribute of none in a text',
      'PingRoute/Properties/Target',
      { 'Fn::Sub': '${Relay.Urn}' },
      'AWS::Lambda::Function has no attribute Urn',
    ],
    ['a text that does not end', 'Api/Properties/Name', { 'Fn::Sub': 'a-${Relay' }, 'an open ${'],
    ['a function of none', 'Api/Properties/Name', { 'Fn::Join': [] }, 'does not know Fn::Join'],
    [
      'a Ref in a policy',
      'RelayRole/Properties/Policies/0/PolicyDocument/Statement/0/Resource',
      { Ref: 'Table' },
      'there is no Table',
    ],
    ['a wait for nothing', 'Api/DependsOn', ['Route'], 'Api.DependsOn: there is no Route'],
    ['a circle', 'Connections/DependsOn', 'Relay', 'Connections: needs itself'],
  ])('finds %s', (_name, path, value, problem) => {
    expect(spec.problems(broken(`Resources/${path}`, value)).join('\n')).toContain(problem)
  })

  it('finds an output of nothing', () => {
    const template = broken('Outputs/Endpoint/Value', { Ref: 'Nothing' })
    expect(spec.problems(template)).toEqual(['Outputs.Endpoint.Ref: there is no Nothing'])
  })
})
