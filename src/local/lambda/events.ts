import type { LogEntry } from '../../core/contracts/executor.js'
import type { DiscardCondition } from './asynchronous/record.js'
import type { EndReason } from './errors.js'
import type { EnvironmentState } from './execution-environment.js'

/** One line of a function's output. */
export interface FunctionLog extends LogEntry {
  readonly functionName: string
  readonly environmentId: string
  /** Absent for output between invocations. */
  readonly requestId?: string
}

/** An execution environment's change of state. */
export interface EnvironmentChange {
  readonly functionName: string
  readonly environmentId: string
  readonly pid?: number
  readonly state: EnvironmentState
  /** The reason for its end. */
  readonly reason?: EndReason
}

/** One attempt at one invocation, finished. */
export interface InvocationReport {
  readonly functionName: string
  readonly requestId: string
  readonly type: 'RequestResponse' | 'Event'
  /** 1, or more for Lambda's retries of an asynchronous event. */
  readonly attempt: number
  readonly durationMs: number
  /** Present if the environment was started for it. */
  readonly initDurationMs?: number
  readonly functionError?: 'Unhandled'
  /** Its response, or its error. For a streamed response, only the error. */
  readonly payload: Uint8Array
}

/** An asynchronous event that was given up. */
export interface DiscardedEvent {
  readonly functionName: string
  readonly requestId: string
  /** The reason, in the words of Lambda's records. */
  readonly condition: DiscardCondition
  /** How often it ran. */
  readonly attempts: number
  /** The event's JSON. */
  readonly event: Uint8Array
  /** The last attempt's error, as JSON; empty without an attempt. */
  readonly error: Uint8Array
}

/** Events of a Lambda host. A listener that throws does not affect the host or its caller. */
export interface LambdaHostEvents {
  /** The function wrote a line. */
  log: (log: FunctionLog) => void
  /** An execution environment started, was frozen, thawed, or ended. */
  environment: (change: EnvironmentChange) => void
  /** An attempt at an invocation has ended. */
  invocation: (report: InvocationReport) => void
  /** An asynchronous event was given up. */
  discard: (event: DiscardedEvent) => void
  /**
   * A feature of Lambda that this machine cannot imitate (each reported once), or a record that a destination refused.
   */
  warning: (message: string) => void
}
