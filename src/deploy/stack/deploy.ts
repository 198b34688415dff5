import type { Stack } from '@aws-sdk/client-cloudformation'
import { systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { checkOptions } from '../../core/base/options.js'
import { awsFailure, isAwsError } from '../live/account.js'
import {
  type CloudFormationTemplate,
  debugStackName,
  debugStackTemplate,
  stackChecks,
} from '../template/debug-stack.js'
import { checkOwn, deleteStack } from './delete.js'
import { stackFailure } from './failure.js'
import { type Followed, follow, isAtWork } from './follow.js'
import { type DeployDebugStackOptions, targetChecks } from './options.js'
import { type StackRequest, type StackService, withStacks } from './service.js'

/** A deployed debug stack. */
export interface DeployedDebugStack {
  readonly stackName: string
  /** The stack's ARN. */
  readonly stackId: string
  readonly region: string
  /** `unchanged`: it was already up to date. */
  readonly outcome: 'created' | 'updated' | 'unchanged'
  /** The value for `apiGateway({ endpoint })` and `stubEnvironment({ endpoint })`. */
  readonly endpoint: string
  /** The value for `apiGatewayPolicy({ apiId })`. */
  readonly apiId: string
  /** The value for `s3({ bucket })`. */
  readonly bucket: string
  /** Duration of the call, in milliseconds. */
  readonly tookMs: number
}

/** States of a useless stack, which must be deleted before its name can be used again. */
const MUST_GO: readonly string[] = [
  'ROLLBACK_COMPLETE',
  'ROLLBACK_FAILED',
  'CREATE_FAILED',
  'DELETE_FAILED',
  'REVIEW_IN_PROGRESS',
]
/** Other callers may start an operation between a look at the stack and a request. */
const MAX_TURNS = 20

/**
 * Creates or updates the debug stack of {@link debugStackTemplate}, and waits until it is complete. Tags the stack and
 * everything in it. Call it at each start: if nothing differs, it returns the outputs at once.
 *
 * CloudFormation rolls back a failed creation. The error names the resource and AWS's reason, and the next call deletes
 * the empty stack and creates it anew. After a kill, the next call continues to wait for CloudFormation's operation.
 *
 * Needs `@aws-sdk/client-cloudformation`, and the rights to create the template's resources.
 * @throws TetherError `DEPLOY_FAILED` if a resource failed, with `details.logicalId` and `details.reason`; if the stack
 * of that name was not made by this package; after `timeoutMs`. `INVALID_OPTION`, `MISSING_DEPENDENCY`, `ABORTED`
 */
export async function deployDebugStack(options: DeployDebugStackOptions): Promise<DeployedDebugStack> {
  const complete = checkOptions<DeployDebugStackOptions>('deployDebugStack', options, {
    ...stackChecks,
    ...targetChecks,
  })
  const { app, stage, key, tags, logRetentionDays, clock = systemClock, signal } = complete
  const template = debugStackTemplate({ app, stage, key, tags, logRetentionDays })
  const stackName = complete.stackName ?? debugStackName({ app, stage })
  const since = clock.now()
  return withStacks(complete, async (service) => {
    try {
      const done = await new Deployment(service, { ...complete, stackName }, template).run()
      return { ...done, tookMs: clock.now() - since }
    } catch (cause) {
      throw awsFailure(`Deploying the stack ${stackName}`, cause, signal)
    }
  })
}

class Deployment {
  readonly #service: StackService
  readonly #options: DeployDebugStackOptions & { readonly stackName: string }
  readonly #template: CloudFormationTemplate
  #outcome: DeployedDebugStack['outcome'] = 'unchanged'

  constructor(
    service: StackService,
    options: DeployDebugStackOptions & { readonly stackName: string },
    template: CloudFormationTemplate,
  ) {
    this.#service = service
    this.#options = options
    this.#template = template
  }

  async run(): Promise<Omit<DeployedDebugStack, 'tookMs'>> {
    const { stackName } = this.#options
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      const done = await this.#turn()
      if (done !== undefined) return done
    }
    throw new TetherError(
      'DEPLOY_FAILED',
      `The stack ${stackName} is changed by others all the time. Try again.`,
    )
  }

  async #turn(): Promise<Omit<DeployedDebugStack, 'tookMs'> | undefined> {
    const { stackName } = this.#options
    const stack = await this.#service.describe(stackName)
    if (stack === undefined) return this.#finish('created', await this.#begin('create'))
    checkOwn(stack, stackName)
    const { StackStatus: status = '', StackId: stackId = stackName } = stack
    if (isAtWork(stack)) {
      const followed = await follow(this.#service, { ...this.#options, stackId })
      if (status === 'CREATE_IN_PROGRESS') this.#ended('created', followed)
      if (status === 'UPDATE_IN_PROGRESS') this.#ended('updated', followed)
      return undefined
    }
    if (MUST_GO.includes(status)) {
      await deleteStack(this.#service, stack, this.#options)
      return undefined
    }
    if (status === 'UPDATE_ROLLBACK_FAILED') {
      const advice = `aws cloudformation continue-update-rollback --stack-name ${stackName}`
      const message = `The stack ${stackName} is in ${status}: ${stack.StackStatusReason}. Run: ${advice}`
      throw new TetherError('DEPLOY_FAILED', message, { details: { status } })
    }
    const request = await this.#begin('update')
    return request === 'unchanged' ? this.#report(stack) : this.#finish('updated', request)
  }

  async #begin(operation: 'create' | 'update'): Promise<StackRequest | 'unchanged' | undefined> {
    const { stackName, tags = {} } = this.#options
    const input = {
      TemplateBody: JSON.stringify(this.#template),
      // Tags of the stack, and of the resources that CloudFormation tags by itself.
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      Capabilities: ['CAPABILITY_IAM' as const],
    }
    try {
      if (operation === 'create') return await this.#service.create(stackName, input)
      return (await this.#service.update(stackName, input)) ?? 'unchanged'
    } catch (error) {
      // Another caller was faster: the next turn waits for its operation.
      if (isAwsError(error, 'AlreadyExistsException')) return undefined
      if (isAwsError(error, 'ValidationError') && /_IN_PROGRESS state/.test((error as Error).message))
        return undefined
      throw error
    }
  }

  async #finish(
    outcome: 'created' | 'updated',
    request: StackRequest | 'unchanged' | undefined,
  ): Promise<Omit<DeployedDebugStack, 'tookMs'> | undefined> {
    if (request === undefined || request === 'unchanged') return undefined
    const total = outcome === 'created' ? Object.keys(this.#template.Resources).length : undefined
    const followed = await follow(this.#service, { ...this.#options, ...request, total })
    this.#ended(outcome, followed)
    return this.#report(followed.stack)
  }

  /** @throws TetherError `DEPLOY_FAILED` if the operation was rolled back */
  #ended(outcome: 'created' | 'updated', { stack, failure }: Followed): void {
    const { StackStatus: status = '' } = stack
    if (status !== 'CREATE_COMPLETE' && status !== 'UPDATE_COMPLETE')
      throw stackFailure(outcome, stack, failure)
    this.#outcome = outcome
  }

  #report({ Outputs = [], StackId = '' }: Stack): Omit<DeployedDebugStack, 'tookMs'> {
    const { stackName } = this.#options
    const output = (name: string) => {
      const value = Outputs.find(({ OutputKey }) => OutputKey === name)?.OutputValue
      if (value !== undefined) return value
      throw new TetherError('DEPLOY_FAILED', `The stack ${stackName} has no output ${name}.`)
    }
    return {
      stackName,
      stackId: StackId,
      region: this.#service.region,
      outcome: this.#outcome,
      endpoint: output('Endpoint'),
      apiId: output('ApiId'),
      bucket: output('Bucket'),
    }
  }
}
