import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'
import type { RolePolicies } from '../control-plane/iam-policies.js'
import type { FunctionOperations } from '../control-plane/lambda/functions.js'
import type { FunctionRegistry } from '../control-plane/lambda/registry.js'
import type { S3Bucket } from '../s3/bucket.js'
import type { Queues } from '../sqs/queues.js'
import type { RelayedApis } from './relayed-apis.js'
import type { Template } from './template.js'

/** A resource that a stack is to make. */
export interface ResourceInput {
  readonly stackName: string
  readonly logicalId: string
  /** Without intrinsic functions. */
  readonly properties: Readonly<Record<string, unknown>>
  /** At an update: what it was made with. What is in both is left alone, whatever others have made of it. */
  readonly before?: Readonly<Record<string, unknown>> | undefined
  /** The whole template, for what is made of several resources together. */
  readonly template: Template
  readonly signal: AbortSignal
}

/** A resource that was made. */
export interface MadeResource {
  /** What `Ref` gives. */
  readonly physicalId: string
  readonly attributes: Readonly<Record<string, string>>
}

/** How resources of a type are made, changed and deleted. Each throws an Error with AWS's reason. */
export interface ResourceType {
  /** Properties that cannot be changed: a resource with others takes the place of the old one. */
  readonly fixed?: readonly string[]
  create(input: ResourceInput): MadeResource | Promise<MadeResource>
  update?(input: ResourceInput, made: MadeResource): MadeResource | Promise<MadeResource>
  delete(
    made: MadeResource,
    input: Pick<ResourceInput, 'stackName' | 'logicalId' | 'signal'>,
  ): void | Promise<void>
}

/** The cloud that stacks make resources in. */
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

/** A name that CloudFormation makes up: of the stack, the resource, and letters at random. */
export function madeUpName(
  { stackName, logicalId }: Pick<ResourceInput, 'stackName' | 'logicalId'>,
  longest: number,
): string {
  const random = randomBytes(6).toString('hex').toUpperCase()
  return `${`${stackName}-${logicalId}`.slice(0, longest - random.length - 1)}-${random}`
}

/** Finds how resources of a type are made; undefined where the local cloud makes none. */
export type FindType = (
  type: string,
  input: Pick<ResourceInput, 'template' | 'logicalId'>,
) => ResourceType | undefined
