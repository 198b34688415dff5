import type { Stack, StackEvent } from '@aws-sdk/client-cloudformation'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { delay } from '../../core/base/delay.js'
import { TetherError } from '../../core/base/errors.js'
import type { DebugStackTarget } from './options.js'
import { ProgressReports } from './progress.js'
import type { StackService } from './service.js'

/** The operation to follow, and how to follow it. */
export interface Following
  extends Pick<DebugStackTarget, 'onProgress' | 'pollMs' | 'timeoutMs' | 'clock' | 'signal'> {
  readonly stackId: string
  /** Token of the request that began the operation. Without it, the latest operation is followed. */
  readonly token?: string | undefined
  readonly total?: number | undefined
}

/** The end of an operation. */
export interface Followed {
  readonly stack: Stack
  /** The resource that failed first, with AWS's reason; undefined without a failure. */
  readonly failure: StackFailure | undefined
}

/** A resource that failed. */
export interface StackFailure {
  readonly logicalId: string
  readonly type: string
  readonly reason: string
}

const POLL_MS = 2_000
const TIMEOUT_MS = 900_000
/** How often the events of an accepted request may be missing while the stack is at rest. */
const MAX_UNSEEN = 10

/** Whether CloudFormation is at work on a stack. A stack in review only has a change set. */
export function isAtWork({ StackStatus }: Pick<Stack, 'StackStatus'>): boolean {
  return String(StackStatus).endsWith('_IN_PROGRESS') && StackStatus !== 'REVIEW_IN_PROGRESS'
}

/**
 * Waits for the end of an operation on a stack, and reports its events.
 * @throws TetherError `DEPLOY_FAILED` after `timeoutMs`, `ABORTED`; the SDK's errors
 */
export async function follow(service: StackService, following: Following): Promise<Followed> {
  const { stackId, token, total, onProgress, signal, pollMs = POLL_MS, timeoutMs = TIMEOUT_MS } = following
  const clock: Clock = following.clock ?? systemClock
  const reports = new ProgressReports(total)
  const reported = new Set<string>()
  const until = clock.now() + timeoutMs
  let failure: StackFailure | undefined
  for (let unseen = 0; ; ) {
    const stack = await service.describe(stackId)
    if (stack === undefined)
      throw new TetherError('DEPLOY_FAILED', `The stack ${stackId} is gone: somebody else has deleted it.`)
    const events = await service.events(stackId, token)
    for (const event of events) {
      const { EventId = '' } = event
      if (reported.has(EventId)) continue
      reported.add(EventId)
      failure ??= failureIn(event)
      const progress = reports.of(event)
      if (progress !== undefined) onProgress?.(progress)
    }
    if (events.length === 0) unseen += 1
    if (!isAtWork(stack) && (events.length > 0 || unseen > MAX_UNSEEN)) return { stack, failure }
    if (clock.now() >= until)
      throw new TetherError(
        'DEPLOY_FAILED',
        `The stack ${stack.StackName} is in ${stack.StackStatus} after ${timeoutMs} ms; CloudFormation goes on. Call it again to go on waiting, or with a larger 'timeoutMs'.`,
        { details: { status: stack.StackStatus } },
      )
    await delay(pollMs, { clock, signal })
  }
}

function failureIn(event: StackEvent): StackFailure | undefined {
  const {
    ResourceStatus = '',
    ResourceStatusReason: reason = 'AWS gives no reason',
    ResourceType = '',
  } = event
  if (!ResourceStatus.endsWith('_FAILED') || event.StackId === event.PhysicalResourceId) return undefined
  // Cancelled because another resource failed.
  if (/^Resource (creation|update) cancelled/i.test(reason)) return undefined
  return { logicalId: event.LogicalResourceId ?? '', type: ResourceType, reason }
}
