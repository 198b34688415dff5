import type { Stack } from '@aws-sdk/client-cloudformation'
import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import type { StackFailure } from './follow.js'

/** Returns the error of a failed operation: the resource, AWS's reason, the state of the stack and the remedy. */
export function stackFailure(
  what: 'created' | 'updated' | 'deleted',
  { StackName, StackStatus, StackStatusReason }: Stack,
  failure: StackFailure | undefined,
): TetherError {
  const status = String(StackStatus)
  const reason = printable(failure?.reason ?? StackStatusReason ?? 'AWS gives no reason').replace(/\.?$/, '.')
  const where = failure === undefined ? '' : `${failure.logicalId} (${failure.type}): `
  const message = `The stack ${StackName} could not be ${what}: ${where}${reason} It is in ${status}. ${advice(status)}`
  return new TetherError('DEPLOY_FAILED', message, { details: { ...failure, status } })
}

function advice(status: string): string {
  if (status === 'ROLLBACK_COMPLETE')
    return 'CloudFormation has rolled it back. Mend the cause and call deployDebugStack() again: it makes the stack anew.'
  if (status === 'UPDATE_ROLLBACK_COMPLETE')
    return 'CloudFormation has rolled it back to what it was. Mend the cause and call deployDebugStack() again.'
  return 'Mend the cause and call it again.'
}
