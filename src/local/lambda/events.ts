import type { LogEntry } from '../../core/contracts/executor.js'
import type { DiscardCondition } from './asynchronous/record.js'
import type { EndReason } from './errors.js'
import type { EnvironmentState } from './execution-environment.js'

/** One line that a function wrote. */
export interface FunctionLog extends LogEntry {
  readonly functionName: string
  readonly environmentId: string
  /** Absent for what it wrote while no invocation was at work. */
  readonly requestId?: string
}

/** An execution environment's change of state. */
export interface EnvironmentChange {
  readonly functionName: string
  readonly environmentId: string
  readonly pid?: number
  readonly state: EnvironmentState
  /** Why it ended. */
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
  /** Present where the environment was started for it. */
  readonly initDurationMs?: number
  readonly functionError?: 'Unhandled'
  /** Its response, or its error. Of a response that was invoked as a stream the error alone. */
  readonly payload: Uint8Array
}

/** An asynchronous event that is given up. */
export interface DiscardedEvent {
  readonly functionName: string
  readonly requestId: string
  /** Why, in the words of Lambda's records. */
  readonly condition: DiscardCondition
  /** How often it ran. */
  readonly attempts: number
  /** The event's JSON. */
  readonly event: Uint8Array
  /** The last attempt's error, as JSON; empty where none was made. */
  readonly error: Uint8Array
}

/** What a Lambda host tells. A listener that throws reaches nobody else. */
export interface LambdaHostEvents {
  /** A line was written. */
  log: (log: FunctionLog) => void
  /** An execution environment started, was frozen, thawed, or ended. */
  environment: (change: EnvironmentChange) => void
  /** An attempt at an invocation is over. */
  invocation: (report: InvocationReport) => void
  /** An asynchronous event was given up. */
  discard: (event: DiscardedEvent) => void
  /** Something of Lambda that this machine cannot imitate, each once; a record that a destination refused. */
  warning: (message: string) => void
}
