export type { WebSocketApiEvents, WebSocketApiStats } from './api-gateway-events.js'
export type { Integration, IntegrationOutcome, WebSocketRoutes } from './api-gateway-integration.js'
export { WEB_SOCKET_API_LIMITS, type WebSocketApiLimits } from './api-gateway-limits.js'
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
} from './broker.js'
export { createLocalCloud, type LocalCloud, type LocalCloudOptions } from './cloud.js'
export type { ControlPlaneCall, ControlPlaneFault, ControlPlaneOptions } from './control-plane-gate.js'
export type { LocalDebugStack, LocalDebugStackOptions } from './debug-stack.js'
export type { EnvironmentState } from './execution-environment.js'
export type { FunctionDefinition, LocalCredentials } from './function-definition.js'
export { type HttpApi, type HttpApiOptions, httpApi } from './http-api.js'
export type { HttpListener } from './http-listener.js'
export type { InvokeOptions, InvokeResult } from './invoke-request.js'
export type { EndReason } from './lambda-errors.js'
export type {
  DiscardedEvent,
  EnvironmentChange,
  FunctionLog,
  InvocationReport,
  LambdaHostEvents,
} from './lambda-events.js'
export type { LocalFunction } from './lambda-function.js'
export { createLambdaHost, type LambdaHost, type LambdaHostOptions } from './lambda-host.js'
export type { LocalBucket } from './s3-bucket.js'
export type { LocalS3Identity } from './s3-endpoint.js'
export type { S3Action } from './s3-operations.js'
export type { LocalTopic, MessageAttribute, TopicMessage } from './topic.js'
export {
  type CutOptions,
  type OpenConnection,
  type WebSocketApi,
  type WebSocketApiOptions,
  webSocketApi,
} from './web-socket-api.js'
