export type { HttpListener } from '../network/listener.js'
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
export { createLocalCloud } from './cloud.js'
export type { LocalCloud, LocalCloudOptions } from './cloud-options.js'
export type { ControlPlaneCall, ControlPlaneFault, ControlPlaneOptions } from './control-plane/gate.js'
export type { LocalDebugStack, LocalDebugStackOptions } from './debug-stack/debug-stack-options.js'
export type { BuiltAttributeValue } from './event-builders/attribute-value.js'
export type {
  BuiltCognitoEvent,
  CognitoFamilyOf,
  CognitoOptions,
  CognitoTriggerSource,
} from './event-builders/cognito.js'
export type {
  CognitoChallengeAnswer,
  CognitoChallengeRequest,
  CognitoFamilies,
  CognitoGroups,
  CognitoSources,
  CognitoUserRequest,
} from './event-builders/cognito-triggers.js'
export type { BuiltStreamRecord, DynamodbOptions, ItemChange } from './event-builders/dynamodb.js'
export type { BuiltBusEvent, EventBridgeOptions, ScheduleOptions } from './event-builders/event-bridge.js'
export { events } from './event-builders/events.js'
export type { BuiltKinesisRecord, KinesisOptions, KinesisRecordOptions } from './event-builders/kinesis.js'
export type { EventOrigin } from './event-builders/origin.js'
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
export type {
  Destination,
  FunctionDestination,
  QueueDestination,
  TopicDestination,
} from './lambda/asynchronous/destination.js'
export type { AsynchronousOptions } from './lambda/asynchronous/options.js'
export type { DiscardCondition } from './lambda/asynchronous/record.js'
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
export type { InvokeStream, InvokeStreamEnd, InvokeStreamError } from './lambda/streaming/invoke-stream.js'
export type { LimitChanges } from './limits.js'
export type { MessageAttribute, MessageAttributes } from './message-attributes.js'
export type { LocalBucket } from './s3/bucket.js'
export type { LocalS3Identity } from './s3/endpoint.js'
export type { NotificationOptions } from './s3/notifications.js'
export type { S3Action } from './s3/operations.js'
export type { EventSourceOptions, LocalEventSource } from './sqs/event-source.js'
export type { QueueMessage } from './sqs/message.js'
export type { LocalQueue, LocalQueueOptions, QueueCounts, QueueSendOptions } from './sqs/queue-options.js'
export type { ReceivedMessage, ReceiveOptions } from './sqs/receive.js'
export {
  type FunctionUrl,
  type FunctionUrlOptions,
  functionUrl,
  type InvokeMode,
} from './triggers/function-url.js'
export { type HttpApi, type HttpApiOptions, httpApi } from './triggers/http-api.js'
export type { LocalTopic, TopicMessage } from './triggers/topic.js'
