import { checkOptions } from '../../core/base/options.js'
import { awsFailure } from '../live/account.js'
import { debugStackName } from '../template/debug-stack.js'
import { checkOwn, deleteStack } from './delete.js'
import { follow, isAtWork } from './follow.js'
import { type DebugStackTarget, targetChecks } from './options.js'
import { withStacks } from './service.js'

/** The result of {@link removeDebugStack}. */
export interface RemovedDebugStack {
  readonly stackName: string
  /** `absent`: there was no stack. */
  readonly outcome: 'removed' | 'absent'
  /** Number of objects in the bucket that were deleted. */
  readonly objects: number
}

/**
 * Deletes the debug stack with everything in it, including the bucket's objects, and waits until it is gone. First
 * waits for an operation in progress. After a kill, it can be called again.
 *
 * Needs `@aws-sdk/client-cloudformation` and `@aws-sdk/client-s3`.
 * @throws TetherError `DEPLOY_FAILED` if a resource cannot be deleted, with `details.logicalId` and `details.reason`,
 * or if the stack of that name was not made by this package; `STORE_FAILED`, `INVALID_OPTION`, `MISSING_DEPENDENCY`,
 * `ABORTED`
 */
export async function removeDebugStack(options: DebugStackTarget): Promise<RemovedDebugStack> {
  const complete = checkOptions('removeDebugStack', options, targetChecks)
  const { app, stage, signal } = complete
  const stackName = complete.stackName ?? debugStackName({ app, stage })
  return withStacks(complete, async (service) => {
    try {
      const found = await service.describe(stackName)
      if (found === undefined) return { stackName, outcome: 'absent', objects: 0 }
      checkOwn(found, stackName)
      const { StackId: stackId = stackName } = found
      const stack = isAtWork(found) ? (await follow(service, { ...complete, stackId })).stack : found
      const gone = stack.StackStatus === 'DELETE_COMPLETE'
      const objects = gone ? 0 : await deleteStack(service, stack, complete)
      return { stackName, outcome: 'removed', objects }
    } catch (cause) {
      throw awsFailure(`Removing the stack ${stackName}`, cause, signal)
    }
  })
}
