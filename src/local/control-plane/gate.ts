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

/** One call to the local Lambda, IAM, STS or CloudFormation, from a client or a tool. */
export interface ControlPlaneCall {
  readonly service: 'lambda' | 'iam' | 'sts' | 'cloudformation'
  /** Name in AWS's API, such as `UpdateFunctionCode`. */
  readonly operation: string
  /** Name of the function, layer, role or stack, or ARN of the tagged resource; empty for lists and STS. */
  readonly resource: string
  /** Whether the call changes anything; reads and invocations do not. */
  readonly changes: boolean
  /** `before` the call is carried out, or `after` it, before the caller is answered. */
  readonly stage: 'before' | 'after'
}

/**
 * A fault to inject into a call: `cut` ends the caller's connection without an answer; an error is returned under its
 * name in the service's API, such as `TooManyRequestsException`.
 */
export type ControlPlaneFault = 'cut' | { readonly error: string; readonly message?: string | undefined }

/** Options of the local Lambda, IAM, STS and CloudFormation. */
export interface ControlPlaneOptions {
  /** Credentials accepted beside the cloud's own. @default none */
  readonly identities?: readonly LocalCredentials[] | undefined
  /**
   * How long a new function stays `Pending`, a changed one `InProgress`, and each step of a stack takes, in
   * milliseconds.
   * @default 100
   */
  readonly updateMs?: number | undefined
  /** Limit of calls per second; further calls are throttled. Invocations do not count. @default no limit */
  readonly callsPerSecond?: number | undefined
  /**
   * How many reads of a function after each change still return its previous state, as on Lambda, where reads are
   * eventually consistent.
   * @default 0
   */
  readonly staleReads?: number | undefined
  /** ARNs of customer KMS keys that no caller may use: variables encrypted with them are not returned. @default none */
  readonly deniedKeys?: readonly string[] | undefined
  /**
   * Called at the end of a function's update. A returned text makes the update `Failed` for that reason, and the
   * function keeps running unchanged.
   */
  failUpdate?(functionName: string): string | undefined
  /**
   * Called before a stack's resource is made, changed or deleted. A returned text makes that step fail for that reason.
   */
  failResource?(resource: {
    readonly stackName: string
    readonly logicalId: string
    /** Resource type, such as `AWS::Lambda::Function`. */
    readonly type: string
    readonly action: 'CREATE' | 'UPDATE' | 'DELETE'
  }): string | undefined
  /** Called before and after each call, and awaited: to count calls, or to make them fail at a chosen point. */
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

/** Thrown to end a caller's connection without an answer. */
export class CutConnection extends Error {}

/** Applies the rate limit and injected faults to every call of the control plane. */
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

  /** Carries out a call. @throws ControlPlaneError; CutConnection */
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
