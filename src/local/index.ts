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
export type { EnvironmentState } from './execution-environment.js'
export type { FunctionDefinition, LocalCredentials } from './function-definition.js'
export { type HttpApi, type HttpApiOptions, httpApi } from './http-api.js'
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
