import type { StackEvent } from '@aws-sdk/client-cloudformation'
import { printable } from '../../core/base/printable.js'

/** One resource of a stack begins, ends or fails. `String(progress)` is a line for a terminal. */
export interface StackProgress {
  readonly stackName: string
  /** The resource's name in the template; the stack's own name for the stack as a whole. */
  readonly logicalId: string
  /** Such as `AWS::Lambda::Function`. */
  readonly type: string
  /** As CloudFormation says it, such as `CREATE_COMPLETE`. */
  readonly status: string
  /** AWS's reason, where it gives one. */
  readonly reason?: string
  /** How many resources have ended in this operation. */
  readonly done: number
  /** How many there are; unknown for an update. */
  readonly total?: number
  /** At its end: how long the resource took by CloudFormation's times, in milliseconds. */
  readonly tookMs?: number
  /** A line for a terminal. */
  toString(): string
}

/** The reports of one operation, each resource's status once. */
export class ProgressReports {
  readonly #total: number | undefined
  readonly #told = new Set<string>()
  readonly #begun = new Map<string, number>()
  #done = 0

  constructor(total: number | undefined) {
    this.#total = total
  }

  /** The report of an event; undefined where it says nothing new. */
  of(event: StackEvent): StackProgress | undefined {
    const {
      StackName: stackName = '',
      LogicalResourceId: logicalId = '',
      ResourceType: type = '',
      ResourceStatus: status = '',
      ResourceStatusReason: reason,
      Timestamp,
    } = event
    // CloudFormation says IN_PROGRESS again when the resource's service has begun.
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
