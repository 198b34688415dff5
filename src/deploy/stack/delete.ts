import type { Stack } from '@aws-sdk/client-cloudformation'
import { TetherError } from '../../core/base/errors.js'
import { emptyBucket } from './empty-bucket.js'
import { stackFailure } from './failure.js'
import { follow } from './follow.js'
import type { DebugStackTarget } from './options.js'
import type { StackService } from './service.js'

/** The bucket's name in the template. */
const BUCKET = 'Payloads'
/** Open sessions may put objects while the bucket is being emptied. */
const MAX_ATTEMPTS = 3

/**
 * Empties the bucket of a stack that is at rest, then deletes the stack.
 * @returns the number of deleted objects
 * @throws TetherError `DEPLOY_FAILED`, `STORE_FAILED`, `MISSING_DEPENDENCY`; the SDK's errors
 */
export async function deleteStack(
  service: StackService,
  { StackId: stackId = '' }: Stack,
  options: DebugStackTarget,
): Promise<number> {
  let objects = 0
  for (let attempt = 1; ; attempt += 1) {
    const bucket = await service.physicalId(stackId, BUCKET)
    if (bucket !== undefined) objects += await emptyBucket(bucket, { ...options, region: service.region })
    const request = await service.delete(stackId)
    const { stack, failure } = await follow(service, { ...options, ...request })
    if (stack.StackStatus === 'DELETE_COMPLETE') return objects
    if (failure?.logicalId !== BUCKET || attempt === MAX_ATTEMPTS)
      throw stackFailure('deleted', stack, failure)
  }
}

/** @throws TetherError `DEPLOY_FAILED` for a stack that this package did not make */
export function checkOwn({ Description = '', StackStatus }: Stack, stackName: string): void {
  // A stack in review has no template yet.
  if (Description.startsWith('lambda-tether: ') || StackStatus === 'REVIEW_IN_PROGRESS') return
  throw new TetherError(
    'DEPLOY_FAILED',
    `The stack ${stackName} is no debug stack: its template's description does not begin with 'lambda-tether: '. Pass another 'stackName'.`,
  )
}
