import type { Clock } from '../base/clock.js'
import type { InvocationContext } from '../contracts/handler.js'
import type { Transport } from '../contracts/transport.js'
import type { StubKey } from '../wire/stub-key.js'

/** The fate of an acknowledged invocation when its session is lost. */
export type OnSessionLost = 'rerun' | 'fail'

export interface CallerOptions {
  readonly app: string
  readonly stage: string
  /** The session's name; with a `team`, the name of the session addressed. */
  readonly session: string
  /** The names that share the stage, in order of preference; at least two. Absent for a single session. */
  readonly team?: readonly string[] | undefined
  readonly key: StubKey
  readonly transport: Transport
  /** How long a session may be silent, counted from an open connection and an accepted frame. */
  readonly ackTimeoutMs: number
  readonly connectTimeoutMs: number
  /** The wait ends this long before the function's own deadline. */
  readonly deadlineMarginMs: number
  readonly onSessionLost: OnSessionLost
  readonly clock?: Clock
}

/** One invocation from the viewpoint of the stub's handler. */
export interface CallInput {
  readonly functionId: string
  readonly event: Uint8Array
  readonly context: InvocationContext
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds until the function's deadline. */
  readonly remainingMs: number
  /** Accepts a stream as the outcome. @default false: a streamed response arrives whole, up to Lambda's 6 MB */
  readonly streams?: boolean | undefined
}
