import type { LambdaError, TetherError } from '../base/errors.js'
import type { LogEntry } from '../contracts/executor.js'
import type { BuildWarning } from '../contracts/function-source.js'
import type { LinkStatus } from '../link/link.js'
import type { TeamMember } from '../naming/roster.js'
import type { Discard } from '../wire/counters.js'
import type { Invocation } from './invocation.js'

/** When an event was emitted. */
export interface EventTime {
  /** Milliseconds since `open()` was first called, and 0 before. Never goes back, even if the machine's clock is set. */
  readonly atMs: number
}

/**
 * When local code was where on its way, in milliseconds since `open()`. Empty for what a listener or `next` answers; of what failed it
 * ends where that happened.
 */
export interface InvocationTiming {
  /** When its build was ready: at once, except for the first invocation and after a change. */
  readonly builtMs?: number | undefined
  /** When a worker took it. Absent with the inline executor. */
  readonly assignedMs?: number | undefined
  /** When the worker had loaded the code: at once in a worker that has run it before. */
  readonly loadedMs?: number | undefined
  /** When the executor had the outcome. */
  readonly ranMs?: number | undefined
}

/** Bytes that were streamed at once. */
export interface StreamedChunk {
  readonly bytes: number
  /** As in {@link EventTime}. */
  readonly atMs: number
}

/** How a response was streamed. */
export interface StreamSummary {
  /** As Lambda's HTTP front ends get it. @default `application/octet-stream` */
  readonly contentType?: string | undefined
  /** Of the whole response. */
  readonly bytes: number
  /** As local code wrote them; of very many, the first 10,000. */
  readonly chunks: readonly StreamedChunk[]
}

/** A part of a streamed response. */
export interface ChunkEvent extends EventTime {
  /** As it was sent: do not change it. */
  readonly body: Uint8Array
  /** From 0. */
  readonly index: number
  /** Of the whole response, as in {@link StreamSummary}. */
  readonly contentType?: string | undefined
}

/** The response of an invocation. */
export interface ResponseEvent extends EventTime {
  /** The response's JSON, as it was sent: do not change it. Of a streamed response, the first 1,048,576 bytes. */
  readonly body: Uint8Array
  /** `body`, parsed when first read; undefined where it is no JSON, as custom runtimes may answer. */
  readonly value: unknown
  /** Until its end. To a tenth of a millisecond. */
  readonly durationMs: number
  readonly timing: InvocationTiming
  /** Set if the response was streamed. */
  readonly stream?: StreamSummary | undefined
}

/** The failure of an invocation. */
export interface FailureEvent extends EventTime {
  readonly error: LambdaError
  /** The error's JSON, as Lambda returns it; made when first read. */
  readonly body: Uint8Array
  /** To a tenth of a millisecond. */
  readonly durationMs: number
  readonly timing: InvocationTiming
  /** Set if a part of the response was streamed before. */
  readonly stream?: StreamSummary | undefined
}

/** Why an invocation is not run here. */
export interface DeclineEvent extends EventTime {
  /** A sentence's end, such as `it does not serve function 'ordesr' (did you mean 'orders'?); it serves 'orders'`. */
  readonly reason: string
  /** Ids of the functions that are served. */
  readonly served: readonly string[]
  /** The served id that looks most like the one asked for, if any does. */
  readonly nearest?: string | undefined
}

/** Who else would have taken an invocation. */
export interface OverlapEvent extends EventTime {
  /** Names of sessions of the team. */
  readonly also: readonly string[]
}

/** A line of local output and the invocation that wrote it. */
export interface LogEvent extends LogEntry, EventTime {
  readonly functionId: string
  readonly environmentId: string
  readonly invocationId: string
  /** The AWS request id of that invocation. */
  readonly requestId: string
}

/** A function's local code was built anew, or could not be; or an invocation needed a build, which has warnings. */
export interface ReloadEvent extends EventTime {
  readonly functionId: string
  /**
   * From the change, or the call of `reload`, until the new code was loaded in the worker of the next invocation, or, where
   * none stands by, until it was built.
   */
  readonly durationMs: number
  /**
   * Why there is no new code: `BUILD_FAILED`, whose details have `file`, `line`, `column` and `text` where they are known.
   * Invocations fail with it until the next reload, or with `onBuildError: 'keep'` get the last build that was good. Code that
   * was built and could not be loaded has its `errorType` and `trace` there, and invocations fail as it does.
   */
  readonly error?: TetherError
  /** What the build has to say about code that it has built all the same: print it. */
  readonly warnings: readonly BuildWarning[]
}

/** Who has the name now. */
export interface DisplacedEvent extends EventTime {
  /** The random id of the session that has it. */
  readonly by: string
  /** That session's epoch: when it was opened by its own clock, in Unix milliseconds, or later where another had a greater one. */
  readonly epoch: number
}

/** What became of the session's connection, or of a listener that threw. */
export type SessionStatus =
  | LinkStatus
  /**
   * What the session sent to its own name has not come back within 3 s: the broker accepts and drops it, as it does by an access
   * list, or is slow. `error` (`UNREACHABLE`) has what has to be allowed, as `details.addresses` and in words.
   */
  | { readonly state: 'unheard'; readonly error: TetherError }
  /** It has come back after all, some time after `unheard`. */
  | { readonly state: 'heard' }
  /** Another session of the team takes the same functions, and no filter tells whose an invocation is: `error` (`CONFLICT`) says which. */
  | { readonly state: 'conflict'; readonly error: TetherError }
  /** The broker does not let this session see the others of its team: `error` (`UNREACHABLE`) has what has to be allowed. */
  | { readonly state: 'unwatched'; readonly error: TetherError }
  /** The payload store could not do what nobody waits for, or what a stub waited for and was told. */
  | { readonly state: 'store-failed'; readonly error: TetherError }
  | { readonly state: 'listener-failed'; readonly event: string; readonly error: unknown }

/**
 * The events of a session. None is named `error`: what arrives from outside never crashes a host that forgot a
 * listener. Listening changes nothing, and a listener that throws reaches no other listener: it is reported as `status`.
 */
export interface SessionEvents {
  /**
   * An invocation arrived. A listener takes it by calling `ack`, `respond` or `fail` before its first `await`, and only so;
   * what it then throws or rejects with becomes the invocation's `fail`.
   */
  invoke: (invocation: Invocation, at: EventTime) => unknown
  /** An acknowledgement left for the stub; an invocation that answers within 25 ms needs none. */
  ack: (invocation: Invocation, at: EventTime) => void
  /** A part of a streamed response. */
  chunk: (invocation: Invocation, chunk: ChunkEvent) => void
  /** The invocation has its response, to its end. */
  respond: (invocation: Invocation, response: ResponseEvent) => void
  /** The invocation has failed: by local code, by `fail()`, at its deadline, or because the stub gave up. */
  fail: (invocation: Invocation, failure: FailureEvent) => void
  /**
   * No listener took the invocation, and the session does not serve its function, or the invocation was mirrored without its
   * event, or the session serves nothing and the invocation was mirrored.
   */
  decline: (invocation: Invocation, decline: DeclineEvent) => void
  /** The outcome has been handed to the broker, or could not be: it is sent again when the stub asks. */
  sent: (invocation: Invocation, at: EventTime) => void
  /** The cards of others of the team take this invocation as well; this session was chosen by its place in the team's list, or its filter. */
  overlap: (invocation: Invocation, overlap: OverlapEvent) => void
  /** Another session of the team came, left, or takes something else. */
  team: (member: TeamMember, at: EventTime) => void
  /** Local code wrote a line. */
  log: (entry: LogEvent) => void
  /** A function's code was loaded anew, or could not be. */
  reload: (event: ReloadEvent) => void
  /** The connection's state changed, or something failed that nobody waits for. */
  status: (status: SessionStatus, at: EventTime) => void
  /** Another session was opened under this name: this one has ended and makes no further attempt. `close` follows. */
  displaced: (displaced: DisplacedEvent) => void
  /** Something that arrived was dropped; nothing was run because of it. */
  discard: (discard: Discard, at: EventTime) => void
  /** The session has closed; nothing comes after. */
  close: (at: EventTime) => void
}

/** Every event's name, to tell a misspelt one at run time. */
export const SESSION_EVENTS: readonly string[] = [
  'invoke',
  'ack',
  'chunk',
  'respond',
  'fail',
  'decline',
  'sent',
  'overlap',
  'team',
  'log',
  'reload',
  'status',
  'displaced',
  'discard',
  'close',
] satisfies (keyof SessionEvents)[]
