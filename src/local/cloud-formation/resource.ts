import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'
import type { RolePolicies } from '../control-plane/iam-policies.js'
import type { FunctionOperations } from '../control-plane/lambda/functions.js'
import type { FunctionRegistry } from '../control-plane/lambda/registry.js'
import type { S3Bucket } from '../s3/bucket.js'
import type { Queues } from '../sqs/queues.js'
import type { RelayedApis } from './relayed-apis.js'
import type { Template } from './template.js'

/** A resource for a stack to make. */
export interface ResourceInput {
  readonly stackName: string
  readonly logicalId: string
  /** Properties with intrinsic functions resolved. */
  readonly properties: Readonly<Record<string, unknown>>
  /** On an update: the previous properties. Properties equal in both are left alone, even if changed elsewhere. */
  readonly before?: Readonly<Record<string, unknown>> | undefined
  /** The whole template, for types made of several resources. */
  readonly template: Template
  readonly signal: AbortSignal
}

/** A resource that exists. */
export interface MadeResource {
  /** The value of `Ref`. */
  readonly physicalId: string
  readonly attributes: Readonly<Record<string, string>>
}

/** Creates, updates and deletes resources of a type. Each method throws an Error with AWS's reason. */
export interface ResourceType {
  /** Properties that cannot change: a different value replaces the resource. */
  readonly fixed?: readonly string[]
  create(input: ResourceInput): MadeResource | Promise<MadeResource>
  update?(input: ResourceInput, made: MadeResource): MadeResource | Promise<MadeResource>
  delete(
    made: MadeResource,
    input: Pick<ResourceInput, 'stackName' | 'logicalId' | 'signal'>,
  ): void | Promise<void>
}

/** The cloud that contains the stacks' resources. */
export interface StackCloud {
  readonly region: string
  readonly accountId: string
  readonly clock: Clock
  readonly buckets: Map<string, S3Bucket>
  readonly queues: Queues
  readonly roles: RolePolicies
  readonly functions: FunctionOperations
  readonly registry: FunctionRegistry
  readonly relayedApis: RelayedApis
  readonly updateMs: number
}

/** Generates a name like CloudFormation's: stack, resource, random letters. */
export function madeUpName(
  { stackName, logicalId }: Pick<ResourceInput, 'stackName' | 'logicalId'>,
  longest: number,
): string {
  const random = randomBytes(6).toString('hex').toUpperCase()
  return `${`${stackName}-${logicalId}`.slice(0, longest - random.length - 1)}-${random}`
}

/** Finds the implementation of a resource type; undefined if the local cloud does not support it. */
export type FindType = (
  type: string,
  input: Pick<ResourceInput, 'template' | 'logicalId'>,
) => ResourceType | undefined
