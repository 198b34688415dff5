import type { LambdaError } from '../base/errors.js'
import type { InvocationContext } from '../contracts/handler.js'
import type { PresignedRequest } from '../contracts/payload-store.js'
import type { Take } from '../sharing/take.js'
import type { PackedBody } from './compress.js'

/** Where a body lies in the payload store, and what opens it. Travels in sealed messages alone. */
export interface StoredBody {
  readonly key: string
  /** 256 random bits for this object alone, as base64url. */
  readonly secret: string
  /** The object's length. */
  readonly bytes: number
}

/** Runs an invocation. Sent once; again when the session answers `unknown` or `need`. */
export interface InvokeMessage {
  readonly type: 'invoke'
  /** The invocation: 128 random bits, fresh for every handler call. */
  readonly id: string
  readonly functionId: string
  readonly context: InvocationContext
  /** Milliseconds until the function's deadline, when this was sent. */
  readonly remainingMs: number
  /** Milliseconds since the invocation was first sent. */
  readonly ageMs: number
  /** The other session that acknowledged it before; its answer was never heard. */
  readonly ackedBy?: string
  /** Unix milliseconds of the stub's clock. */
  readonly sentAt: number
  /** The session that was last heard: what is bound to one session is nothing to another. */
  readonly boundTo?: string
  /** Which environment variables the local code gets. */
  readonly envFingerprint: string
  /** The variables themselves, as JSON; absent where the session has them. */
  readonly env?: Uint8Array
  /** The event, as JSON: here, or in the payload store. */
  readonly event?: Uint8Array
  readonly stored?: StoredBody
  /** A copy of what the function itself answers: nobody waits. `metadata`: the event was too large, and is `null` here. */
  readonly mirrored?: Mirrored
  /** The stub takes a stream. To any other the session sends a stream whole, as a `result`. */
  readonly streams?: true
  /** Other names of the team whose cards take this invocation as well. */
  readonly also?: readonly string[]
  /** Invocations of this environment whose outcome was received: the session can forget them. */
  readonly settled: readonly string[]
  /** The highest epoch that was heard. */
  readonly epoch: number
}

/** What a mirrored invocation brings: its event, or everything but that. */
export type Mirrored = 'event' | 'metadata'

/** The parts of a message that have not arrived. */
export interface MissingParts {
  /** The message: its sender (key id, function tag and sender id, as base64url) and number. */
  readonly sent: string
  readonly parts: readonly number[]
}

/** Asks what became of an invocation; the answer to `challenge`. */
export interface AskMessage {
  readonly type: 'ask'
  readonly id: string
  /** Of the challenge that this answers. */
  readonly nonce?: string
  /** As in `invoke`. */
  readonly boundTo?: string
  /** The message that last carried the invocation, so that its missing parts can be named. */
  readonly sent?: string
  /** What has not arrived of the answer, where some of it has. */
  readonly missing?: MissingParts
  readonly settled: readonly string[]
  /** The highest epoch that was heard. */
  readonly epoch: number
}

/** Asks where to put a large event. */
export interface PresignMessage {
  readonly type: 'presign'
  readonly id: string
  /** Of the object that will be put. */
  readonly bytes: number
  readonly settled: readonly string[]
  /** The highest epoch that was heard. */
  readonly epoch: number
}

/** The stub has given up. */
export interface CancelMessage {
  readonly type: 'cancel'
  readonly id: string
  /** The error's code. */
  readonly code: string
  /** For people: what the stub waited for in vain. */
  readonly reason: string
  readonly settled: readonly string[]
  /** The highest epoch that was heard. */
  readonly epoch: number
}

/** The most bytes of a stream that may be under way, or wait at the stub for its reader: sent, and not credited. */
export const MAX_STREAM_WINDOW_BYTES = 1024 * 1024
/** The most chunks of them: each costs both sides a kilobyte, however small it is. */
export const MAX_STREAM_WINDOW_CHUNKS = 1_024

/** Lets a stream go on, and asks for what has not arrived of it. */
export interface StreamCreditMessage {
  readonly type: 'credit'
  readonly id: string
  /** Bytes of the stream that the stub's reader has taken, in all: a lost credit is made up for by the next. */
  readonly through: number
  /** Numbers of chunks that have not arrived, though a later one has. */
  readonly missing?: readonly number[]
  /** Asks for everything from this number on that has left before. */
  readonly from?: number
  readonly settled: readonly string[]
  /** The highest epoch that was heard. */
  readonly epoch: number
}

/** What a stub sends to a session. */
export type StubMessage = InvokeMessage | AskMessage | PresignMessage | CancelMessage | StreamCreditMessage

interface FromSession {
  /** The invocation this is about. */
  readonly id: string
  /** The session instance that answers. */
  readonly session: string
  /** Of two sessions of one name, the greater holds it. */
  readonly epoch: number
  /** The session's name, which sessions that share a stage say: a stub of a team has one address for all of them. */
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
/** Where to put a large event; nowhere, where the session has no store. */
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
/** Parts of the invocation have not arrived: send them again. */
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
  /** Of the response; in chunk 0, where one is set. */
  readonly contentType?: string
  readonly data: Uint8Array
}
/** The end of a streamed response. */
export interface EndMessage extends FromSession {
  readonly type: 'end'
  /** How many chunks there were. */
  readonly seq: number
  /** As in chunk 0; where there is no chunk. */
  readonly contentType?: string
  /** Local code failed, before its first byte or after. */
  readonly error?: LambdaError
}

/** What a session sends to a stub. */
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

/** Holds, or wants, the name. */
export interface ClaimMessage {
  readonly type: 'claim'
  readonly session: string
  readonly epoch: number
  /** The session that outranks the sender and was heard: the sender answers no stub until it knows whether that one lives. */
  readonly yieldsTo?: string
}
/** Another holds the name: the target ends. */
export interface DisplacedMessage {
  readonly type: 'displaced'
  readonly session: string
  readonly epoch: number
  readonly target: string
  /** The sender is opening: a target that is opening, too, ends. Otherwise that one raises its epoch and has the name. */
  readonly opening?: boolean
}

/**
 * Whether a session is there: what its broker keeps for who connects later, signed. `leaving`: it takes nothing more, and
 * something still runs; `closed`: nothing does. `lost` is left with the broker as the last will of a connection.
 */
export interface PresenceMessage {
  readonly type: 'presence'
  readonly session: string
  readonly epoch: number
  readonly state: PresenceState
  /** Counts up within a session: a broker may reorder what it hands out. */
  readonly sequence: number
  /** When it was signed, in Unix milliseconds of the session's clock. */
  readonly at: number
  /** Its card: which invocations it takes. Absent for all. Stubs of a team go by it. */
  readonly take?: Take
}

/** Where a session stands, by its own word or by its last will. */
export type PresenceState = 'online' | 'leaving' | 'closed' | 'lost'

export const PRESENCE_STATES: readonly PresenceState[] = ['online', 'leaving', 'closed', 'lost']

/** What sessions of one name send to each other. */
export type PeerMessage = ClaimMessage | DisplacedMessage

/** The directions, by who sends; `peer` is from session to session. */
export interface MessageFrom {
  stub: StubMessage
  session: SessionMessage
  peer: PeerMessage
}

/** Any message. */
export type Message = MessageFrom[keyof MessageFrom]

/** A message on its way out: what it carries as it is, or packed. */
export type Outbound<M extends Message = Message> = M extends unknown
  ? { [K in keyof M]: K extends 'event' | 'body' ? M[K] | PackedBody : M[K] }
  : never
