import { partitionOf } from '../../aws/endpoints.js'
import { answerIam } from '../control-plane/iam-policies.js'
import { S3Bucket } from '../s3/bucket.js'
import { debugStackTypes } from './debug-stack-types.js'
import { functionType } from './function-type.js'
import {
  type FindType,
  madeUpName,
  type ResourceInput,
  type ResourceType,
  type StackCloud,
} from './resource.js'

/** Returns the finder of resource types; it returns undefined for a type that the local cloud does not support. */
export function resourceTypes(cloud: StackCloud): FindType {
  const recorded: ResourceType = {
    create: (input) => ({ physicalId: madeUpName(input, 255), attributes: {} }),
    update: (_input, made) => made,
    delete: () => {},
  }
  const types: Readonly<Record<string, ResourceType>> = {
    'AWS::CDK::Metadata': recorded,
    'AWS::CloudFormation::WaitConditionHandle': recorded,
    'AWS::Lambda::Permission': recorded,
    'AWS::Logs::LogGroup': withArn(
      recorded,
      (id) => `arn:${partition(cloud)}:logs:${cloud.region}:${cloud.accountId}:log-group:${id}:*`,
    ),
    'AWS::S3::BucketPolicy': recorded,
    'AWS::S3::Bucket': bucketType(cloud),
    'AWS::SQS::Queue': queueType(cloud),
    'AWS::IAM::Role': roleType(cloud),
    'AWS::IAM::Policy': policyType(cloud),
    'AWS::Lambda::Function': functionType(cloud),
  }
  const ofDebugStack = debugStackTypes(cloud, recorded)
  return (type, input) => ofDebugStack(type, input) ?? (Object.hasOwn(types, type) ? types[type] : undefined)
}

function partition({ region }: StackCloud): string {
  return partitionOf(region)
}

function withArn(type: ResourceType, arn: (physicalId: string) => string): ResourceType {
  return {
    ...type,
    async create(input) {
      const made = await type.create(input)
      return { ...made, attributes: { ...made.attributes, Arn: arn(made.physicalId) } }
    },
  }
}

function bucketType({ buckets, region, clock }: StackCloud): ResourceType {
  return {
    fixed: ['BucketName'],
    create(input) {
      const name = (input.properties.BucketName as string | undefined) ?? madeUpName(input, 63).toLowerCase()
      if (buckets.has(name)) throw new Error(`${name} already exists (Service: S3, Status Code: 0)`)
      const bucket = new S3Bucket(name, { region, clock })
      buckets.set(name, bucket)
      return { physicalId: name, attributes: { Arn: bucket.arn } }
    },
    update: (_input, made) => made,
    delete({ physicalId }) {
      if ((buckets.get(physicalId)?.keys().length ?? 0) > 0) {
        throw new Error(
          'The bucket you tried to delete is not empty. You must delete all versions in the bucket. (Service: S3, Status Code: 409)',
        )
      }
      buckets.delete(physicalId)
    },
  }
}

function queueType({ queues }: StackCloud): ResourceType {
  return {
    fixed: ['QueueName', 'FifoQueue'],
    create(input) {
      const { QueueName, VisibilityTimeout = 30, DelaySeconds = 0 } = input.properties
      const name = String(QueueName ?? madeUpName(input, 80))
      const queue = queues.queue(name, {
        visibilityTimeoutMs: Number(VisibilityTimeout) * 1000,
        delayMs: Number(DelaySeconds) * 1000,
      })
      return { physicalId: queue.url, attributes: { Arn: queue.arn, QueueName: name, QueueUrl: queue.url } }
    },
    update: (_input, made) => made,
    delete: ({ attributes: { QueueName = '' } }) => queues.remove(QueueName),
  }
}

function roleType(cloud: StackCloud): ResourceType {
  const { accountId, roles } = cloud
  // Policies put into a role from elsewhere prevent its deletion.
  const written = new Map<string, Set<string>>()
  const putPolicies = (RoleName: string, { Policies = [] }: ResourceInput['properties']) => {
    const names = written.get(RoleName) ?? new Set<string>()
    written.set(RoleName, names)
    for (const { PolicyName, PolicyDocument } of Policies as PolicyText[]) {
      const document = JSON.stringify(PolicyDocument)
      answerIam('PutRolePolicy', form({ RoleName, PolicyName, PolicyDocument: document }), roles)
      names.add(PolicyName)
    }
  }
  return {
    fixed: ['RoleName', 'Path'],
    create(input) {
      const { RoleName = madeUpName(input, 64), Path = '/', AssumeRolePolicyDocument } = input.properties
      const name = String(RoleName)
      const trust = JSON.stringify(AssumeRolePolicyDocument)
      answerIam(
        'CreateRole',
        form({ RoleName: name, Path: String(Path), AssumeRolePolicyDocument: trust }),
        roles,
      )
      putPolicies(name, input.properties)
      const Arn = `arn:${partition(cloud)}:iam::${accountId}:role${Path}${name}`
      return { physicalId: name, attributes: { Arn } }
    },
    update(input, made) {
      putPolicies(made.physicalId, input.properties)
      return made
    },
    delete({ physicalId: RoleName }) {
      for (const name of written.get(RoleName) ?? []) roles.policies.get(RoleName)?.delete(name)
      answerIam('DeleteRole', form({ RoleName }), roles)
      written.delete(RoleName)
    },
  }
}

interface PolicyText {
  readonly PolicyName: string
  readonly PolicyDocument: unknown
}

function policyType({ roles }: StackCloud): ResourceType {
  const put = ({ properties }: ResourceInput) => {
    const {
      PolicyName,
      PolicyDocument,
      Roles = [],
    } = properties as { PolicyName: string; PolicyDocument: unknown; Roles?: string[] }
    for (const RoleName of Roles)
      answerIam(
        'PutRolePolicy',
        form({ RoleName, PolicyName, PolicyDocument: JSON.stringify(PolicyDocument) }),
        roles,
      )
    return { physicalId: PolicyName, attributes: { Roles: Roles.join(' ') } }
  }
  return {
    fixed: ['PolicyName'],
    create: put,
    update: put,
    delete({ physicalId, attributes: { Roles = '' } }) {
      for (const role of Roles.split(' ')) roles.policies.get(role)?.delete(physicalId)
    },
  }
}

function form(fields: Readonly<Record<string, string>>): URLSearchParams {
  return new URLSearchParams(fields)
}
