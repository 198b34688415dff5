import type { LambdaError, TetherError } from '../base/errors.js'
import type { LogEntry } from '../contracts/executor.js'
import type { BuildWarning } from '../contracts/function-source.js'
import type { LinkStatus } from '../link/link.js'
import type { TeamMember } from '../naming/roster.js'
import type { Discard } from '../wire/counters.js'
import type { Invocation } from './invocation.js'

/** When an event was emitted. */
export interface EventTime {
  /** Milliseconds since the first `open()`, and 0 before. Never goes back, even if the machine's clock is set. */
  readonly atMs: number
}

/**
 * When local code reached each stage, in milliseconds since `open()`. Empty if a listener or `next` answered. After a
 * failure, it ends with the stage that failed.
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

/** Bytes streamed together. */
export interface StreamedChunk {
  readonly bytes: number
  /** As in {@link EventTime}. */
  readonly atMs: number
}

/** How a response was streamed. */
export interface StreamSummary {
  /** As Lambda's HTTP front ends receive it. @default `application/octet-stream` */
  readonly contentType?: string | undefined
  /** Of the whole response. */
  readonly bytes: number
  /** The chunks as local code wrote them; only the first 10,000. */
  readonly chunks: readonly StreamedChunk[]
}

/** A part of a streamed response. */
export interface ChunkEvent extends EventTime {
  /** The bytes as sent: do not change them. */
  readonly body: Uint8Array
  /** From 0. */
  readonly index: number
  /** Of the whole response, as in {@link StreamSummary}. */
  readonly contentType?: string | undefined
}

/** The response of an invocation. */
export interface ResponseEvent extends EventTime {
  /** The response's JSON as sent: do not change it. For a streamed response, the first 1,048,576 bytes. */
  readonly body: Uint8Array
  /** `body`, parsed when first read; undefined if it is not JSON, which custom runtimes may answer. */
  readonly value: unknown
  /** Until its end, rounded to tenths of a millisecond. */
  readonly durationMs: number
  readonly timing: InvocationTiming
  /** Set if the response was streamed. */
  readonly stream?: StreamSummary | undefined
}

/** The failure of an invocation. */
export interface FailureEvent extends EventTime {
  readonly error: LambdaError
  /** The error's JSON as Lambda returns it; created when first read. */
  readonly body: Uint8Array
  /** Rounded to tenths of a millisecond. */
  readonly durationMs: number
  readonly timing: InvocationTiming
  /** Set if part of the response was streamed before the failure. */
  readonly stream?: StreamSummary | undefined
}

/** The reason why an invocation is not run here. */
export interface DeclineEvent extends EventTime {
  /**
   * The end of a sentence, such as `it does not serve function 'ordesr' (did you mean 'orders'?); it serves 'orders'`.
   */
  readonly reason: string
  /** Ids of the functions that are served. */
  readonly served: readonly string[]
  /** The served id most similar to the requested one, if any is similar. */
  readonly nearest?: string | undefined
}

/** Other sessions that would have taken an invocation. */
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

/** A function's local code was rebuilt, or the rebuild failed; or an invocation needed a build, and it has warnings. */
export interface ReloadEvent extends EventTime {
  readonly functionId: string
  /**
   * From the change, or the call of `reload`, until the new code was loaded in the worker of the next invocation. If no
   * worker stands by, until the code was built.
   */
  readonly durationMs: number
  /**
   * Why there is no new code: `BUILD_FAILED`, with `file`, `line`, `column` and `text` in its details where known.
   * Invocations fail with this error until the next reload; with `onBuildError: 'keep'` they get the last good build.
   * For code that was built but could not be loaded, the details have its `errorType` and `trace`, and invocations fail
   * with that error.
   */
  readonly error?: TetherError
  /** Warnings of a build that succeeded: print them. */
  readonly warnings: readonly BuildWarning[]
}

/** The session that has the name now. */
export interface DisplacedEvent extends EventTime {
  /** The random id of that session. */
  readonly by: string
  /**
   * That session's epoch: the time of its opening by its own clock, in Unix milliseconds, or later if another session
   * had a greater epoch.
   */
  readonly epoch: number
}

/** The state of the session's connection, or the failure of a listener. */
export type SessionStatus =
  | LinkStatus
  /**
   * The session's messages to its own name did not come back within 3 s. Either the broker accepts and drops them, as
   * an access list may do, or it is slow. `error` (`UNREACHABLE`) lists the rights to grant, in `details.addresses` and
   * in words.
   */
  | { readonly state: 'unheard'; readonly error: TetherError }
  /** The messages came back after all, some time after `unheard`. */
  | { readonly state: 'heard' }
  /**
   * Another session of the team takes the same functions, and no filter divides the invocations. `error` (`CONFLICT`)
   * names that session.
   */
  | { readonly state: 'conflict'; readonly error: TetherError }
  /**
   * The broker does not let this session see the others of its team. `error` (`UNREACHABLE`) lists the rights to grant.
   */
  | { readonly state: 'unwatched'; readonly error: TetherError }
  /** A payload store operation failed: either in the background, or for a stub that has been told. */
  | { readonly state: 'store-failed'; readonly error: TetherError }
  | { readonly state: 'listener-failed'; readonly event: string; readonly error: unknown }

/**
 * The events of a session. None is named `error`, so that a missing listener never crashes a host because of outside
 * input. Adding a listener changes nothing else. An exception in a listener reaches no other listener: it is reported
 * as `status`.
 */
export interface SessionEvents {
  /**
   * An invocation arrived. A listener takes it only by calling `ack`, `respond` or `fail` before its first `await`. If
   * the listener then throws or rejects, that error becomes the invocation's `fail`.
   */
  invoke: (invocation: Invocation, at: EventTime) => unknown
  /** An acknowledgement was sent to the stub. An invocation that answers within 25 ms needs none. */
  ack: (invocation: Invocation, at: EventTime) => void
  /** A part of a streamed response. */
  chunk: (invocation: Invocation, chunk: ChunkEvent) => void
  /** The invocation has its complete response. */
  respond: (invocation: Invocation, response: ResponseEvent) => void
  /** The invocation failed: by local code, by `fail()`, at its deadline, or because the stub gave up. */
  fail: (invocation: Invocation, failure: FailureEvent) => void
  /**
   * No listener took the invocation, and one of these holds: the session does not serve its function; the invocation
   * was mirrored without its event; or it was mirrored and the session serves nothing.
   */
  decline: (invocation: Invocation, decline: DeclineEvent) => void
  /** The outcome was handed to the broker, or that failed: it is sent again when the stub asks. */
  sent: (invocation: Invocation, at: EventTime) => void
  /**
   * Other team members' cards take this invocation, too. This session was chosen by its place in the team's list, or by
   * its filter.
   */
  overlap: (invocation: Invocation, overlap: OverlapEvent) => void
  /** Another session of the team came, left, or now takes other invocations. */
  team: (member: TeamMember, at: EventTime) => void
  /** Local code wrote a line. */
  log: (entry: LogEvent) => void
  /** A function's code was reloaded, or the reload failed. */
  reload: (event: ReloadEvent) => void
  /** The connection's state changed, or a background operation failed. */
  status: (status: SessionStatus, at: EventTime) => void
  /** Another session was opened under this name. This session has ended and does not reconnect. `close` follows. */
  displaced: (displaced: DisplacedEvent) => void
  /** A frame, a message or a late outcome was dropped; nothing was run because of it. */
  discard: (discard: Discard, at: EventTime) => void
  /** The session has closed; no event follows. */
  close: (at: EventTime) => void
}

/** The names of all events, to detect a misspelt one at run time. */
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
