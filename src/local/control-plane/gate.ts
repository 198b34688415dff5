import type { Clock } from '../../core/base/clock.js'
import {
  checkDuration,
  checkFunction,
  checkText,
  listOf,
  numberFrom,
  wholeNumber,
} from '../../core/base/option-checks.js'
import type { Checks } from '../../core/base/options.js'
import type { LocalCredentials } from '../lambda/function-definition.js'
import { checkIdentities } from '../option-checks.js'
import { ControlPlaneError } from './errors.js'

/** One call to the local Lambda, IAM, STS or CloudFormation, by a client or a tool. */
export interface ControlPlaneCall {
  readonly service: 'lambda' | 'iam' | 'sts' | 'cloudformation'
  /** As in AWS's API, such as `UpdateFunctionCode`. */
  readonly operation: string
  /** The name of the function, layer, role or stack that it is about, or the ARN of a tagged resource; empty for lists and STS. */
  readonly resource: string
  /** Whether it changes anything; to read or to invoke does not. */
  readonly changes: boolean
  /** `before` it is carried out, and `after` it was, before its caller is answered. */
  readonly stage: 'before' | 'after'
}

/**
 * What becomes of a call: `cut` ends the caller's connection without an answer; an error is answered, by its name in
 * the service's API, such as `TooManyRequestsException`.
 */
export type ControlPlaneFault = 'cut' | { readonly error: string; readonly message?: string | undefined }

/** Options of the local Lambda, IAM, STS and CloudFormation. */
export interface ControlPlaneOptions {
  /** Accepted beside the cloud's own. @default none */
  readonly identities?: readonly LocalCredentials[] | undefined
  /**
   * How long a new function stays `Pending`, a changed one `InProgress`, and each step of a stack takes, in milliseconds.
   * @default 100
   */
  readonly updateMs?: number | undefined
  /** How many calls a second are served, others are throttled; invocations do not count. @default no limit */
  readonly callsPerSecond?: number | undefined
  /**
   * How many reads of a function after each change still tell what it was before, as Lambda's may: its reads are eventually
   * consistent.
   * @default 0
   */
  readonly staleReads?: number | undefined
  /** ARNs of customers' KMS keys that nobody who calls may use: variables under them are not told. @default none */
  readonly deniedKeys?: readonly string[] | undefined
  /** Asked when an update of a function's is over: a text makes it `Failed`, for that reason, and what runs stays as it was. */
  failUpdate?(functionName: string): string | undefined
  /** Asked before a stack's resource is made, changed or deleted: a text makes that fail, for that reason. */
  failResource?(resource: {
    readonly stackName: string
    readonly logicalId: string
    /** Such as `AWS::Lambda::Function`. */
    readonly type: string
    readonly action: 'CREATE' | 'UPDATE' | 'DELETE'
  }): string | undefined
  /** Called before and after each call, and waited for: to count calls, and to make them fail at a chosen point. */
  onCall?(
    call: ControlPlaneCall,
  ): ControlPlaneFault | undefined | void | Promise<ControlPlaneFault | undefined | void>
}

/** A check for each of {@link ControlPlaneOptions}. */
export const controlPlaneChecks: Checks<ControlPlaneOptions> = {
  identities: checkIdentities,
  updateMs: checkDuration,
  callsPerSecond: numberFrom(0),
  staleReads: wholeNumber(0),
  deniedKeys: listOf('a list of ARNs', checkText),
  failUpdate: checkFunction,
  failResource: checkFunction,
  onCall: checkFunction,
}

/** Thrown where a caller shall get no answer at all. */
export class CutConnection extends Error {}

/** What every call of the control plane passes: the rate, and the caller's own faults. */
export class ControlPlaneGate {
  readonly #options: ControlPlaneOptions
  readonly #clock: Clock
  #tokens: number
  #refilledAt: number

  constructor(options: ControlPlaneOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#tokens = options.callsPerSecond ?? Number.POSITIVE_INFINITY
    this.#refilledAt = clock.now()
  }

  /** Carries a call out. @throws ControlPlaneError; CutConnection */
  async pass<T>(call: Omit<ControlPlaneCall, 'stage'>, carryOut: () => T | Promise<T>): Promise<T> {
    if (!call.operation.startsWith('Invoke')) this.#throttle()
    await this.#fault({ ...call, stage: 'before' })
    const answer = await carryOut()
    await this.#fault({ ...call, stage: 'after' })
    return answer
  }

  async #fault(call: ControlPlaneCall): Promise<void> {
    const fault = await this.#options.onCall?.(call)
    if (!fault) return
    if (fault === 'cut') throw new CutConnection()
    throw new ControlPlaneError(fault.error, fault.message ?? `${call.operation} fails, as it was told to.`)
  }

  #throttle(): void {
    const { callsPerSecond } = this.#options
    if (callsPerSecond === undefined) return
    const now = this.#clock.now()
    this.#tokens = Math.min(callsPerSecond, this.#tokens + ((now - this.#refilledAt) * callsPerSecond) / 1000)
    this.#refilledAt = now
    if (this.#tokens < 1) {
      throw new ControlPlaneError('TooManyRequestsException', 'Rate exceeded', {
        Reason: 'CallerRateLimitExceeded',
      })
    }
    this.#tokens -= 1
  }
}
