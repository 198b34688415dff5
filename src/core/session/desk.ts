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

/** An `ask` with its message number. */
export type Question = AskMessage & { readonly number: number }

/** Everything that the functions for handling invocations share within a session. */
export interface Desk extends KeptAnswerOptions, InvocationOwner {
  /** The session's name. */
  readonly name: string
  readonly identity: SessionIdentity
  readonly emitter: SessionEmitter
  readonly waiters: Waiters
  readonly received: Received
  readonly records: Records
  readonly environments: Environments
  /** When this session began. An earlier session may have run messages sent before. */
  openedAt: number
  /** True for its first minute, measured by a timer: setting the clock meanwhile does not make it older. */
  young: boolean
  /** Whether this session still holds its name, as far as a stub that has heard of `epoch` knows. */
  mayServe(epoch: number): boolean
  functions(): FunctionTable | undefined
  /** The numbers of the missing parts of an incomplete message. */
  missing(reference: string): readonly number[] | undefined
  /** Whether a stub's key belongs to a function. */
  covers(from: string, functionId: string): boolean
  /** Whether the session still knows everything received from a stub; see `ReplayWindow`. */
  proven(from: string): boolean
  prove(from: string, number: number): void
  discard(discard: Discard): void
}
