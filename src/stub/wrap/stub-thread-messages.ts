import type { LambdaError, TetherErrorCode } from '../../core/base/errors.js'
import type { CallOutcome } from '../../core/caller/call-state.js'
import type { CallInput } from '../../core/caller/options.js'
import type { Mirrored } from '../../core/wire/protocol.js'
import type { CallFacts } from '../call-input.js'

/** What tells a bundle that it has been loaded into the thread of a wrapped function. */
export interface StubThreadData {
  readonly lambdaTether: 'wrapped'
  /** One number: how many copies wait for their turn. Shared, so that the function's own thread is never woken. */
  readonly waiting: SharedArrayBuffer
}

/** What the function's thread asks of the stub's. */
export type StubRequest =
  | { readonly type: 'call'; readonly number: number; readonly input: CallInput }
  /** Asks for the next part of a stream. */
  | { readonly type: 'more'; readonly number: number }
  /** The rest of a stream is not wanted. */
  | { readonly type: 'leave'; readonly number: number }
  /** The event's JSON; that of `null`, where it was too large. */
  | {
      readonly type: 'mirror'
      readonly facts: CallFacts
      readonly mirrored: Mirrored
      readonly event: string
    }

/** What the stub's thread answers. `acknowledged` comes before the outcome, perhaps more than once. */
export type StubReply =
  | { readonly type: 'acknowledged'; readonly number: number }
  | { readonly type: 'outcome'; readonly number: number; readonly outcome: WholeOutcome }
  /** Its parts follow, each when it is asked for. */
  | { readonly type: 'stream'; readonly number: number; readonly contentType: string | undefined }
  | { readonly type: 'part'; readonly number: number; readonly part: StreamPart }
  | ({ readonly type: 'failed'; readonly number: number } & StubFailure)

/** An outcome that one message carries. */
export type WholeOutcome = Exclude<CallOutcome, { readonly kind: 'stream' }>

/** Bytes of a stream, or its end: a plain one, the function's error, or a failure of the stub's. */
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
