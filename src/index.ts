export type { Cancel, Clock } from './core/base/clock.js'
export { type TraceContext, tracingChannels } from './core/base/diagnostics.js'
export {
  HandlerError,
  type LambdaError,
  TetherError,
  type TetherErrorCode,
  type TetherErrorOptions,
} from './core/base/errors.js'
export { printable } from './core/base/printable.js'
export type { BuildLoader, BuildOptions, BuildPlugin } from './core/contracts/build-options.js'
export type {
  CheckOutcome,
  DiagnosisOptions,
  Finding,
  TransportCheck,
  TransportDiagnosis,
} from './core/contracts/diagnosis.js'
export type {
  Answer,
  Executor,
  ExecutorStats,
  LogEntry,
  LogLevel,
  Outcome,
  StreamedResponse,
  Task,
} from './core/contracts/executor.js'
export type {
  BuildWarning,
  Dependencies,
  FunctionBuild,
  FunctionSource,
  LoadedFiles,
} from './core/contracts/function-source.js'
export type { Handler, HandlerCallback, InvocationContext, LambdaContext } from './core/contracts/handler.js'
export type { PayloadStore, PresignedRequest, PresignOptions } from './core/contracts/payload-store.js'
export type {
  AbortOptions,
  Connection,
  ConnectOptions,
  Endpoint,
  FrameHandlers,
  SessionIdentity,
  Transport,
  TransportLimits,
  TransportPricing,
} from './core/contracts/transport.js'
export type { LinkStatus } from './core/link/link.js'
export type { TeamMember } from './core/naming/roster.js'
export type { EventPattern, PatternValue } from './core/pattern/event-pattern.js'
export type {
  ChunkEvent,
  DeclineEvent,
  DisplacedEvent,
  EventTime,
  FailureEvent,
  InvocationTiming,
  LogEvent,
  OverlapEvent,
  ReloadEvent,
  ResponseEvent,
  SessionEvents,
  SessionStatus,
  StreamedChunk,
  StreamSummary,
} from './core/session/events.js'
export type { ServeOptions } from './core/session/functions/options.js'
export type { SessionFunctions } from './core/session/functions/table.js'
export type { FunctionTarget, ServedFunction, ServedState } from './core/session/functions/target.js'
export type { NextOptions } from './core/session/harness/waiters.js'
export type { Invocation } from './core/session/invocation.js'
export type { SessionOptions } from './core/session/options.js'
export type { ReplayOnSaveOptions } from './core/session/replay/on-save.js'
export type { ReplayOutcome } from './core/session/replay/outcome.js'
export type { RemoteClient, Replayable, ReplayEdit, ReplayOptions } from './core/session/replay/request.js'
export type { Session } from './core/session/session.js'
export type { BodyBytes, SessionStats } from './core/session/stats.js'
export type { HttpMetadata, RespondStreamOptions } from './core/session/streaming/written-stream.js'
export { marker } from './core/sharing/marker.js'
export type { Take, TakeHttp } from './core/sharing/take.js'
export type { Discard, DiscardReason } from './core/wire/counters.js'
export type { Mirrored, PresenceState } from './core/wire/protocol.js'
export { generateKey } from './core/wire/root-key.js'
export { createSession } from './create-session.js'
export type { DiffChange } from './diff/changes.js'
export { type Comparable, type Diff, type DiffOptions, diff } from './diff/diff.js'
export { type InvokeLocallyOptions, invokeLocally } from './invoke-locally.js'
export { type ReportOptions, report } from './report/report.js'
