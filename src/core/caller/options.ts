import type { Clock } from '../base/clock.js'
import type { InvocationContext } from '../contracts/handler.js'
import type { Transport } from '../contracts/transport.js'
import type { StubKey } from '../wire/stub-key.js'

/** What happens to an invocation whose session was lost after it had acknowledged. */
export type OnSessionLost = 'rerun' | 'fail'

export interface CallerOptions {
  readonly app: string
  readonly stage: string
  /** The session's name; with a `team`, that of the one that is spoken to. */
  readonly session: string
  /** The names that share the stage, in the order of their preference; at least two. Absent for one session. */
  readonly team?: readonly string[] | undefined
  readonly key: StubKey
  readonly transport: Transport
  /** Silence, counted from a connection that is up and a frame that is accepted. */
  readonly ackTimeoutMs: number
  readonly connectTimeoutMs: number
  /** The wait ends this long before the function's own deadline. */
  readonly deadlineMarginMs: number
  readonly onSessionLost: OnSessionLost
  readonly clock?: Clock
}

/** One invocation, as the stub's handler sees it. */
export interface CallInput {
  readonly functionId: string
  readonly event: Uint8Array
  readonly context: InvocationContext
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds until the function's deadline. */
  readonly remainingMs: number
  /** The outcome may be a stream. @default false: what local code streams comes whole, up to Lambda's 6 MB */
  readonly streams?: boolean | undefined
}
