import type { StackEvent } from '@aws-sdk/client-cloudformation'
import { printable } from '../../core/base/printable.js'

/** The operation on one resource of a stack begins, ends or fails. `String(progress)` is a line for a terminal. */
export interface StackProgress {
  readonly stackName: string
  /** The resource's name in the template, or the stack's name for the stack as a whole. */
  readonly logicalId: string
  /** Such as `AWS::Lambda::Function`. */
  readonly type: string
  /** CloudFormation's status, such as `CREATE_COMPLETE`. */
  readonly status: string
  /** AWS's reason, if it gives one. */
  readonly reason?: string
  /** Number of resources that this operation has finished. */
  readonly done: number
  /** Total number of resources; unknown for an update. */
  readonly total?: number
  /** Only at the end: the resource's duration by CloudFormation's times, in milliseconds. */
  readonly tookMs?: number
  /** A line for a terminal. */
  toString(): string
}

/** Reports the events of one operation, each status of a resource once. */
export class ProgressReports {
  readonly #total: number | undefined
  readonly #told = new Set<string>()
  readonly #begun = new Map<string, number>()
  #done = 0

  constructor(total: number | undefined) {
    this.#total = total
  }

  /** Returns the report of an event; undefined if it tells nothing new. */
  of(event: StackEvent): StackProgress | undefined {
    const {
      StackName: stackName = '',
      LogicalResourceId: logicalId = '',
      ResourceType: type = '',
      ResourceStatus: status = '',
      ResourceStatusReason: reason,
      Timestamp,
    } = event
    // CloudFormation repeats IN_PROGRESS once the resource's service has begun.
    const key = `${logicalId} ${status}`
    if (this.#told.has(key)) return undefined
    this.#told.add(key)
    const at = Timestamp?.getTime() ?? 0
    const isStack = event.StackId === event.PhysicalResourceId
    const ended = !status.endsWith('_IN_PROGRESS')
    if (!ended) this.#begun.set(logicalId, at)
    else if (!isStack) this.#done += 1
    const begun = this.#begun.get(logicalId)
    const facts = {
      stackName,
      logicalId,
      type,
      status,
      ...(reason !== undefined && { reason }),
      done: this.#done,
      ...(this.#total !== undefined && { total: this.#total }),
      ...(ended && begun !== undefined && { tookMs: at - begun }),
    }
    return { ...facts, toString: () => progressLine(facts) }
  }
}

function progressLine(progress: Omit<StackProgress, 'toString'>): string {
  const { logicalId, type, status, reason, done, total, tookMs } = progress
  const count = total === undefined ? '' : `${Math.min(done, total)}/${total} `
  const took = tookMs === undefined ? '' : `, ${(tookMs / 1000).toFixed(1)} s`
  const why = status.endsWith('_FAILED') && reason !== undefined ? `: ${reason}` : ''
  const words = status.toLowerCase().replaceAll('_', ' ')
  return printable(`${count}${logicalId} (${type}): ${words}${took}${why}`)
}
