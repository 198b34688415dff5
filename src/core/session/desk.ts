import type { SessionIdentity } from '../contracts/transport.js'
import type { Discard } from '../wire/counters.js'
import type { AskMessage } from '../wire/protocol.js'
import type { SessionEmitter } from './emitter.js'
import type { Environments } from './environments.js'
import type { FunctionTable } from './functions/table.js'
import type { Received } from './harness/received.js'
import type { Waiters } from './harness/waiters.js'
import type { InvocationOwner } from './invocation.js'
import type { KeptAnswerOptions } from './kept-answer.js'
import type { Records } from './records.js'

/** An `ask`, and the number of its message. */
export type Question = AskMessage & { readonly number: number }

/** What the functions that handle invocations share in a session. */
export interface Desk extends KeptAnswerOptions, InvocationOwner {
  /** The session's name. */
  readonly name: string
  readonly identity: SessionIdentity
  readonly emitter: SessionEmitter
  readonly waiters: Waiters
  readonly received: Received
  readonly records: Records
  readonly environments: Environments
  /** When this session began; an earlier session may have run what was sent before. */
  openedAt: number
  /** For its first minute, by a timer: a clock that is set right meanwhile makes it no older. */
  young: boolean
  /** Whether this session still holds its name, as far as a stub that has heard of `epoch` knows. */
  mayServe(epoch: number): boolean
  functions(): FunctionTable | undefined
  /** Which parts of an incomplete message have not arrived. */
  missing(reference: string): readonly number[] | undefined
  /** Whether a stub's key is that of a function. */
  covers(from: string, functionId: string): boolean
  /** Whether all that was received from a stub is still known; see `ReplayWindow`. */
  proven(from: string): boolean
  prove(from: string, number: number): void
  discard(discard: Discard): void
}
