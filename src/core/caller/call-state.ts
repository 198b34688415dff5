import type { LambdaError, TetherError } from '../base/errors.js'
import type { PresignedRequest } from '../contracts/payload-store.js'
import type { Mirrored, ResultMessage, SessionMessage, StoredBody } from '../wire/protocol.js'
import type { CallerOptions, CallInput } from './options.js'

/** What a call is waiting for; `call.ts` has the picture. All times are Unix milliseconds. */
export type CallState = Readonly<
  | { phase: 'connecting'; facts: Facts }
  | { phase: 'placing'; facts: Facts; wait: Wait }
  | { phase: 'putting'; facts: Facts }
  | { phase: 'sending'; facts: Facts; sinceAt: number; checkAt: number }
  /** `sent` is the message that carried the invocation; undefined when it has not left whole. */
  | { phase: 'waiting'; facts: Facts; wait: Wait; sent: string | undefined }
  | { phase: 'fetching'; facts: Facts }
  | { phase: 'over' }
>

/** A call that is not over. */
export type LiveCall = Exclude<CallState, { phase: 'over' }>

/** What is fixed when a call begins. */
export type Terms = Readonly<{
  options: CallerOptions
  input: CallInput
  /** A copy of what the function itself answers: nobody waits for its outcome. */
  mirrored: Mirrored | undefined
  startedAt: number
  /** The object's length, where the event is large enough for the payload store. */
  bytesToStore: number | undefined
}>

/** What is known of a call in every state. */
export type Facts = Readonly<{
  terms: Terms
  /** The session that acknowledged last: from then on silence does not end the wait. */
  ackedBy: string | undefined
  /** When the connection was lost; undefined while one is up. */
  outageAt: number | undefined
  /** The session that said that it has closed; undefined again once another is heard. */
  goodbye: { session: string; at: number } | undefined
  /** The event's object in the payload store, and the session that named its place. */
  stored: { body: StoredBody; placedBy: string } | undefined
}>

/** How a wait for the session's word has gone so far. */
export type Wait = Readonly<{
  sinceAt: number
  heardAt: number
  /** When the latest part of an answer arrived. */
  partAt: number
  asked: number
  askedAt: number
  /** Whether another connection was opened in this silence. */
  renewed: boolean
}>

/** The time, and what the execution environment knows then. */
export type Moment = Readonly<{
  now: number
  connected: boolean
  /** When anything last came or went on the connection. */
  activeAt: number
  /** Whether the broker says that a session is there, or that it has closed. */
  online: boolean
  closed: boolean
  /** How long a session's first word about an invocation has taken of late. */
  latencyMs: number
  /** Whether the session heard last has no payload store. */
  storeless: boolean
}>

/** What happens to a call. */
export type CallEvent = Readonly<
  | { type: 'connected' | 'disconnected' | 'wake' | 'part' | 'stub closed' }
  | { type: 'message'; message: SessionMessage }
  /** The broker's word about the session: the first one heard, one that changes something, or the same again. */
  | { type: 'presence'; told: 'first' | 'news' | 'same'; session: string; closed: boolean }
  /** What became of an effect. */
  | { type: 'sent'; reference: string }
  | { type: 'put'; stored: Facts['stored'] }
  | { type: 'got'; body: Uint8Array }
  | { type: 'failed'; effect: CallEffect['type']; error: TetherError }
>

/** What the caller does for a call. */
export type CallEffect = Readonly<
  | { type: 'invoke'; facts: Facts; withEnv: boolean }
  | { type: 'ask'; sent: string | undefined }
  | { type: 'presign'; bytes: number }
  | { type: 'resend'; parts: readonly number[] }
  | { type: 'put'; key: string; request: PresignedRequest; placedBy: string }
  | { type: 'get'; stored: NonNullable<ResultMessage['stored']> }
  /** Another connection, beside one that may be dead or in place of one that is. */
  | { type: 'renew' | 'replace' }
  /** The session's first word took so long. */
  | { type: 'latency'; ms: number }
  | { type: 'settle'; outcome: CallOutcome }
  | { type: 'fail'; failure: Failure; cancel: boolean }
>

/** What the session answered. */
export type CallOutcome =
  | { readonly kind: 'value'; readonly body: Uint8Array }
  | { readonly kind: 'error'; readonly error: LambdaError }

/** Why a call ends without an answer. */
export type Failure = Readonly<
  | { why: 'deadline'; was: 'running' | 'connecting' | 'unheard'; leftMs: number }
  | { why: 'silence' | 'unreachable'; forMs: number }
  /** The broker knows that nobody is connected. */
  | { why: 'absent'; error: TetherError }
  | { why: 'closed' | 'closed while running' | 'restarted' | 'stub closed' | 'dropped' }
  | { why: 'declined' | 'declined by successor'; reason: string }
  | { why: 'error'; error: TetherError }
>

/** The state after an event, and what is to be done. */
export type CallStep = Readonly<{ state: CallState; effects: readonly CallEffect[] }>
