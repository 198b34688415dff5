export type { WebSocketApiEvents, WebSocketApiStats } from './api-gateway/events.js'
export type { Integration, IntegrationOutcome, WebSocketRoutes } from './api-gateway/integration.js'
export { WEB_SOCKET_API_LIMITS, type WebSocketApiLimits } from './api-gateway/limits.js'
export {
  type CutOptions,
  type OpenConnection,
  type WebSocketApi,
  type WebSocketApiOptions,
  webSocketApi,
} from './api-gateway/web-socket-api.js'
export { createLocalCloud, type LocalCloud, type LocalCloudOptions } from './cloud.js'
export type { ControlPlaneCall, ControlPlaneFault, ControlPlaneOptions } from './control-plane/gate.js'
export type { LocalDebugStack, LocalDebugStackOptions } from './debug-stack/debug-stack.js'
export type { HttpListener } from './http/listener.js'
export {
  createLocalBroker,
  type DisconnectReason,
  IOT_LIMITS,
  type IotLimits,
  type LocalBroker,
  type LocalBrokerEvents,
  type LocalBrokerOptions,
  type LocalBrokerStats,
  type LocalIdentity,
  type PolicyDocument,
  type PolicyStatement,
} from './iot/broker.js'
export type { EndReason } from './lambda/errors.js'
export type {
  DiscardedEvent,
  EnvironmentChange,
  FunctionLog,
  InvocationReport,
  LambdaHostEvents,
} from './lambda/events.js'
export type { EnvironmentState } from './lambda/execution-environment.js'
export type { LocalFunction } from './lambda/function.js'
export type { FunctionDefinition, LocalCredentials } from './lambda/function-definition.js'
export { createLambdaHost, type LambdaHost, type LambdaHostOptions } from './lambda/host.js'
export type { InvokeOptions, InvokeResult } from './lambda/invoke-request.js'
export type { LimitChanges } from './limits.js'
export type { LocalBucket } from './s3/bucket.js'
export type { LocalS3Identity } from './s3/endpoint.js'
export type { S3Action } from './s3/operations.js'
export { type HttpApi, type HttpApiOptions, httpApi } from './triggers/http-api.js'
export type { LocalTopic, MessageAttribute, TopicMessage } from './triggers/topic.js'
