import type { LambdaError, TetherError } from '../base/errors.js'
import type { PresignedRequest } from '../contracts/payload-store.js'
import type { Undelivered } from '../link/undelivered.js'
import type { Mirrored, ResultMessage, SessionMessage, StoredBody } from '../wire/protocol.js'
import type { CallerOptions, CallInput } from './options.js'
import type { StreamMessage } from './stream-body.js'

/** The state of a call; `call.ts` has the diagram. All times are Unix milliseconds. */
export type CallState = Readonly<
  | { phase: 'connecting'; facts: Facts }
  | { phase: 'placing'; facts: Facts; wait: Wait }
  | { phase: 'putting'; facts: Facts }
  | { phase: 'sending'; facts: Facts; sinceAt: number }
  /** `sent` is the reference of the last `invoke`; undefined if it did not leave completely. */
  | { phase: 'waiting'; facts: Facts; wait: Wait; sent: string | undefined }
  | { phase: 'fetching'; facts: Facts }
  /** `gapAt`: when to ask for chunks that later ones have overtaken. */
  | { phase: 'streaming'; facts: Facts; wait: Wait; gapAt: number | undefined }
  | { phase: 'over' }
>

/** A call that is not over. */
export type LiveCall = Exclude<CallState, { phase: 'over' }>

/** Fixed for the life of a call. */
export type Terms = Readonly<{
  options: CallerOptions
  input: CallInput
  /** Set for a copy of an event that the function itself answers. */
  mirrored: Mirrored | undefined
  startedAt: number
  /** The size of the largest frame of an inline event, as far as is known. */
  frameBytes: number
  /** The stored object's length, if the event is large enough for the payload store. */
  bytesToStore: number | undefined
}>

/** Known in every state. */
export type Facts = Readonly<{
  terms: Terms
  /** The session that acknowledged last. After an ack, silence does not end the wait. */
  ackedBy: string | undefined
  /** When the connection was lost; undefined while one is up. */
  outageAt: number | undefined
  /** The session that announced its close; cleared once another session is heard. */
  goodbye: { session: string; at: number } | undefined
  /** The event's object in the payload store, and the session that named its place. */
  stored: { body: StoredBody; placedBy: string } | undefined
  /** Set while the session answers questions but reports that the invocation has not arrived. */
  undelivered: Undelivered | undefined
}>

/** Progress of a wait for the session. */
export type Wait = Readonly<{
  sinceAt: number
  heardAt: number
  /** When the latest part of an answer arrived. */
  partAt: number
  askedAt: number
  /** Whether another connection was opened in this silence. */
  renewed: boolean
}>

/** The time of a step, and the environment's knowledge at that time. */
export type Moment = Readonly<{
  now: number
  connected: boolean
  /** When the connection last carried a frame. */
  activeAt: number
  /** The last presence heard: a session is online, or has closed. */
  online: boolean
  closed: boolean
  /** Recent average time to the first message about an invocation. */
  latencyMs: number
  /** Whether the session heard last has no payload store. */
  storeless: boolean
}>

/** The events of a call. */
export type CallEvent = Readonly<
  /** `refused`: the broker refuses this environment, and not for the first time. */
  | { type: 'connected' | 'disconnected' | 'refused' | 'wake' | 'part' | 'stub closed' }
  | { type: 'message'; message: SessionMessage }
  /** Presence: the first one heard, a change of session or state, or a repetition. */
  | { type: 'presence'; told: 'first' | 'news' | 'same'; session: string; closed: boolean }
  /** Results of effects. */
  | { type: 'sent'; reference: string }
  | { type: 'put'; stored: Facts['stored'] }
  | { type: 'got'; body: Uint8Array }
  | { type: 'failed'; effect: LastingEffect['type']; error: TetherError }
  /** A stream has accepted a message. `gap`: an earlier one is missing. */
  | { type: 'received'; gap: boolean; complete: boolean }
  /** A stream's reader has taken enough bytes for a credit, or has stopped reading. */
  | { type: 'taken' | 'returned' }
>

/** The effects of a step, performed by the caller. */
export type CallEffect = Readonly<
  | LastingEffect
  /** Open another connection, beside the current one or in its place. */
  | { type: 'renew' | 'replace' }
  /** Time to the session's first message. */
  | { type: 'latency'; ms: number }
  /** Give the stream a message. */
  | { type: 'receive'; message: StreamMessage }
  | { type: 'received all' }
  | { type: 'settle'; outcome: CallOutcome }
  | { type: 'fail'; failure: Failure; cancel: boolean }
>

/** Asynchronous effects; their result comes back as an event. */
export type LastingEffect = Readonly<
  | { type: 'invoke'; facts: Facts; withEnv: boolean; at: number }
  /** `nonce` answers a challenge. */
  | { type: 'ask'; sent: string | undefined; nonce?: string }
  | { type: 'presign'; bytes: number }
  | { type: 'resend'; parts: readonly number[] }
  /** `asks`: also asks for everything that may have left after the last known chunk. */
  | { type: 'credit'; asks: boolean }
  | { type: 'put'; key: string; request: PresignedRequest; placedBy: string }
  | { type: 'get'; stored: NonNullable<ResultMessage['stored']> }
>

/** The session's answer. */
export type CallOutcome =
  | { readonly kind: 'value'; readonly body: Uint8Array }
  | { readonly kind: 'error'; readonly error: LambdaError }
  /**
   * Only for a call that `streams`. `body` can be read once. After the bytes received, it throws the error of local
   * code, or a `TetherError` if the stream broke off (`SESSION_LOST`, `DEADLINE`, …). Its `return()` cancels the
   * invocation.
   */
  | {
      readonly kind: 'stream'
      readonly contentType?: string | undefined
      readonly body: AsyncIterable<Uint8Array>
    }

/** Why a call ends without an answer. */
export type Failure = Readonly<
  | { why: 'deadline'; was: 'running' | 'connecting' | 'unheard'; leftMs: number }
  | { why: 'silence' | 'unreachable'; forMs: number }
  /** The broker knows that no session is connected. */
  | { why: 'absent'; error: TetherError }
  /** The session is present, but the broker drops the invocation because of its size. */
  | { why: 'dropped for its size' }
  | {
      why:
        | 'closed'
        | 'closed while running'
        | 'restarted'
        | 'broken off'
        | 'returned'
        | 'stub closed'
        | 'dropped'
    }
  | { why: 'declined' | 'replaced'; reason: string; session: string }
  /** No card of the team takes it. `unwatched`: the names that the broker does not let the stub watch. */
  | { why: 'not taken'; unwatched: readonly string[] }
  | { why: 'error'; error: TetherError }
>

/** The result of a transition. */
export type CallStep = Readonly<{ state: CallState; effects: readonly CallEffect[] }>
