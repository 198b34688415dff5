import type { LambdaError, TetherErrorCode } from '../../core/base/errors.js'
import type { CallOutcome } from '../../core/caller/call-state.js'
import type { CallInput } from '../../core/caller/options.js'
import type { Mirrored } from '../../core/wire/protocol.js'
import type { CallFacts } from '../call-input.js'

/** Marks the thread of a wrapped function for the bundle loaded in it. */
export interface StubThreadData {
  readonly lambdaTether: 'wrapped'
  /** One number: how many copies are queued. Shared, so that the function's own thread is never woken. */
  readonly waiting: SharedArrayBuffer
}

/** Requests from the function's thread to the stub's. */
export type StubRequest =
  | { readonly type: 'call'; readonly number: number; readonly input: CallInput }
  /** Asks for the next part of a stream. */
  | { readonly type: 'more'; readonly number: number }
  /** Cancels the rest of a stream. */
  | { readonly type: 'leave'; readonly number: number }
  /** `event` is the event's JSON, or `null` if it was too large. */
  | {
      readonly type: 'mirror'
      readonly facts: CallFacts
      readonly mirrored: Mirrored
      readonly event: string
    }

/** Replies from the stub's thread. `acknowledged` precedes the outcome, perhaps more than once. */
export type StubReply =
  | { readonly type: 'acknowledged'; readonly number: number }
  | { readonly type: 'outcome'; readonly number: number; readonly outcome: WholeOutcome }
  /** The parts follow, each on request. */
  | { readonly type: 'stream'; readonly number: number; readonly contentType: string | undefined }
  | { readonly type: 'part'; readonly number: number; readonly part: StreamPart }
  | ({ readonly type: 'failed'; readonly number: number } & StubFailure)

/** An outcome that fits one message. */
export type WholeOutcome = Exclude<CallOutcome, { readonly kind: 'stream' }>

/** A chunk of a stream, or its end: a plain end, the function's error, or a failure of the stub. */
export type StreamPart =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'error'; readonly error: LambdaError }
  | ({ readonly kind: 'failed' } & StubFailure)

/** A TetherError's message and code. */
export interface StubFailure {
  readonly code: TetherErrorCode
  readonly message: string
}
