import type { LambdaError } from '../base/errors.js'
import type { InvocationContext } from '../contracts/handler.js'
import type { PresignedRequest } from '../contracts/payload-store.js'
import type { Take } from '../sharing/take.js'
import type { PackedBody } from './compress.js'

/** The location of a body in the payload store, with the secret that opens it. Sent only in sealed messages. */
export interface StoredBody {
  readonly key: string
  /** 256 random bits for this object alone, as base64url. */
  readonly secret: string
  /** The object's length. */
  readonly bytes: number
}

/** Runs an invocation. Sent once, and again when the session answers `unknown` or `need`. */
export interface InvokeMessage {
  readonly type: 'invoke'
  /** The invocation: 128 random bits, fresh for every handler call. */
  readonly id: string
  readonly functionId: string
  readonly context: InvocationContext
  /** Milliseconds until the function's deadline, at the time of sending. */
  readonly remainingMs: number
  /** Milliseconds since the invocation was first sent. */
  readonly ageMs: number
  /** Another session that acknowledged it earlier, but was never heard to answer. */
  readonly ackedBy?: string
  /** Unix milliseconds of the stub's clock. */
  readonly sentAt: number
  /** The session heard last. Other sessions reject a message bound to it. */
  readonly boundTo?: string
  /** Identifies the environment variables for local code. */
  readonly envFingerprint: string
  /** The variables, as JSON; absent if the session has them. */
  readonly env?: Uint8Array
  /** The event, as JSON: here, or in the payload store. */
  readonly event?: Uint8Array
  readonly stored?: StoredBody
  /**
   * A copy of an event that the function itself answers: the stub does not wait. `metadata`: the event was too large,
   * and is `null`.
   */
  readonly mirrored?: Mirrored
  /** The stub accepts a stream. Other stubs get a streamed response whole, as a `result`. */
  readonly streams?: true
  /** Other names of the team with cards that take this invocation as well. */
  readonly also?: readonly string[]
  /** Invocations of this environment with a received outcome: the session can forget them. */
  readonly settled: readonly string[]
  /** The highest epoch heard. */
  readonly epoch: number
}

/** The content of a mirrored invocation: with its event, or everything except the event. */
export type Mirrored = 'event' | 'metadata'

/** The missing parts of a message. */
export interface MissingParts {
  /** The message: its sender (key id, function tag and sender id, as base64url) and number. */
  readonly sent: string
  readonly parts: readonly number[]
}

/** Asks about the fate of an invocation; also the answer to `challenge`. */
export interface AskMessage {
  readonly type: 'ask'
  readonly id: string
  /** The nonce of the challenge that this answers. */
  readonly nonce?: string
  /** As in `invoke`. */
  readonly boundTo?: string
  /** The message that last carried the invocation, so that the session can name its missing parts. */
  readonly sent?: string
  /** The missing parts of the answer, if some have arrived. */
  readonly missing?: MissingParts
  readonly settled: readonly string[]
  /** The highest epoch heard. */
  readonly epoch: number
}

/** Asks where to put a large event. */
export interface PresignMessage {
  readonly type: 'presign'
  readonly id: string
  /** The size of the object to put. */
  readonly bytes: number
  readonly settled: readonly string[]
  /** The highest epoch heard. */
  readonly epoch: number
}

/** The stub has given up. */
export interface CancelMessage {
  readonly type: 'cancel'
  readonly id: string
  /** The error's code. */
  readonly code: string
  /** For people: why the stub gave up. */
  readonly reason: string
  readonly settled: readonly string[]
  /** The highest epoch heard. */
  readonly epoch: number
}

/** The limit on bytes of a stream that are under way or wait at the stub for its reader: sent, but not credited. */
export const MAX_STREAM_WINDOW_BYTES = 1024 * 1024
/** The limit on their chunks: each costs both sides a kilobyte, however small it is. */
export const MAX_STREAM_WINDOW_CHUNKS = 1_024

/** Extends the window of a stream, and asks for missing parts. */
export interface StreamCreditMessage {
  readonly type: 'credit'
  readonly id: string
  /**
   * Total bytes of the stream that the stub's reader has taken. Absolute, so that the next credit makes up for a lost
   * one.
   */
  readonly through: number
  /** Numbers of missing chunks that a later one has overtaken. */
  readonly missing?: readonly number[]
  /** Asks for everything from this number on that was sent before. */
  readonly from?: number
  readonly settled: readonly string[]
  /** The highest epoch heard. */
  readonly epoch: number
}

/** Messages from a stub to a session. */
export type StubMessage = InvokeMessage | AskMessage | PresignMessage | CancelMessage | StreamCreditMessage

interface FromSession {
  /** The invocation to which this belongs. */
  readonly id: string
  /** The session instance that answers. */
  readonly session: string
  /** Of two sessions of one name, the greater epoch holds it. */
  readonly epoch: number
  /** The session's name, sent by sessions that share a stage: a stub of a team has one address for all of them. */
  readonly name?: string
}

/** The invocation arrived and is being run. */
export interface AckMessage extends FromSession {
  readonly type: 'ack'
}
/** The response, as JSON: here, or in the payload store. */
export interface ResultMessage extends FromSession {
  readonly type: 'result'
  readonly body?: Uint8Array
  readonly stored?: StoredBody & { readonly request: PresignedRequest }
}
/** The place for a large event; without a place if the session has no store. */
export interface UrlMessage extends FromSession {
  readonly type: 'url'
  readonly key?: string
  readonly request?: PresignedRequest
}
/** Local code failed. */
export interface ErrorMessage extends FromSession {
  readonly type: 'error'
  readonly error: LambdaError
}
/** The environment variables of this fingerprint are not known: send the invocation with them. */
export interface NeedMessage extends FromSession {
  readonly type: 'need'
}
/** The invocation may be a recording: ask for it with this nonce. */
export interface ChallengeMessage extends FromSession {
  readonly type: 'challenge'
  /** 128 random bits. */
  readonly nonce: string
}
/** This session never received the invocation, or not all of it: send it again. */
export interface UnknownMessage extends FromSession {
  readonly type: 'unknown'
}
/** Parts of the invocation are missing: send them again. */
export interface MissingMessage extends FromSession, MissingParts {
  readonly type: 'missing'
}
/** This session does not run this function; nothing was run. */
export interface DeclineMessage extends FromSession {
  readonly type: 'decline'
  readonly reason: string
}

/** Bytes of a streamed response. */
export interface ChunkMessage extends FromSession {
  readonly type: 'chunk'
  /** From 0, in the order of the stream. */
  readonly seq: number
  /** The response's content type; in chunk 0, if one is set. */
  readonly contentType?: string
  readonly data: Uint8Array
}
/** The end of a streamed response. */
export interface EndMessage extends FromSession {
  readonly type: 'end'
  /** The total number of chunks. */
  readonly seq: number
  /** As in chunk 0; set if there are no chunks. */
  readonly contentType?: string
  /** Local code failed, before or after its first byte. */
  readonly error?: LambdaError
}

/** Messages from a session to a stub. */
export type SessionMessage =
  | AckMessage
  | ResultMessage
  | ErrorMessage
  | UrlMessage
  | NeedMessage
  | ChallengeMessage
  | MissingMessage
  | UnknownMessage
  | DeclineMessage
  | ChunkMessage
  | EndMessage

/** The sender holds the name, or wants it. */
export interface ClaimMessage {
  readonly type: 'claim'
  readonly session: string
  readonly epoch: number
  /**
   * The session with a higher rank that the sender heard: the sender answers no stub until it knows whether that
   * session is alive.
   */
  readonly yieldsTo?: string
}
/** Another session holds the name: the target ends. */
export interface DisplacedMessage {
  readonly type: 'displaced'
  readonly session: string
  readonly epoch: number
  readonly target: string
  /**
   * The sender is opening. A target that is opening as well ends; any other target raises its epoch and keeps the name.
   */
  readonly opening?: boolean
}

/**
 * Whether a session is present: kept by its broker for later subscribers, and signed. `leaving`: it accepts no more
 * invocations, and some still run; `closed`: none runs. `lost` is left with the broker as the last will of a
 * connection.
 */
export interface PresenceMessage {
  readonly type: 'presence'
  readonly session: string
  readonly epoch: number
  readonly state: PresenceState
  /** Counts up for each session, since a broker may deliver out of order. */
  readonly sequence: number
  /** When it was signed, in Unix milliseconds of the session's clock. */
  readonly at: number
  /** Its card: the invocations that it takes. Absent if it takes all. Stubs of a team choose by it. */
  readonly take?: Take
}

/** A session's state, reported by itself or by its last will. */
export type PresenceState = 'online' | 'leaving' | 'closed' | 'lost'

export const PRESENCE_STATES: readonly PresenceState[] = ['online', 'leaving', 'closed', 'lost']

/** Messages between sessions of one name. */
export type PeerMessage = ClaimMessage | DisplacedMessage

/** The directions, named by the sender; `peer` is from session to session. */
export interface MessageFrom {
  stub: StubMessage
  session: SessionMessage
  peer: PeerMessage
}

/** Any message. */
export type Message = MessageFrom[keyof MessageFrom]

/** An outgoing message; its bodies may be packed. */
export type Outbound<M extends Message = Message> = M extends unknown
  ? { [K in keyof M]: K extends 'event' | 'body' ? M[K] | PackedBody : M[K] }
  : never
