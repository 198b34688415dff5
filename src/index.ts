export type { Discard, DiscardReason } from './core/channel.js'
export type { Cancel, Clock } from './core/clock.js'
export { type TraceContext, tracingChannels } from './core/diagnostics.js'
export {
  type LambdaError,
  TetherError,
  type TetherErrorCode,
  type TetherErrorOptions,
} from './core/errors.js'
export type { LogEvent, ReloadEvent, SessionEvents, SessionStatus } from './core/events.js'
export type {
  Executor,
  ExecutorStats,
  InvocationContext,
  LambdaContext,
  LogEntry,
  LogLevel,
  Outcome,
  Task,
} from './core/executor.js'
export type {
  Dependencies,
  FunctionBuild,
  FunctionSource,
  Handler,
  HandlerCallback,
} from './core/function-source.js'
export type { FunctionTarget, ServeOptions } from './core/function-table.js'
export type { Invocation } from './core/invocation.js'
export type { PayloadStore, PresignedRequest, PresignOptions } from './core/payload-store.js'
export type { Mirrored } from './core/protocol.js'
export type { LinkStatus } from './core/reconnect.js'
export { generateKey } from './core/seal.js'
export type { Session } from './core/session.js'
export type { SessionOptions } from './core/session-options.js'
export type { BodyBytes, SessionStats } from './core/stats.js'
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
} from './core/transport.js'
export type { NextOptions } from './core/waiters.js'
export { createSession } from './create-session.js'
