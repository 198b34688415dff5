export type { AwsCredentials, CredentialsOption, SigningIdentity } from '../aws/credentials.js'
export type { StubBundleName } from '../stub/bundle.js'
export { deployedBaseline, fileBaseline, type InfrastructureBaseline } from './infrastructure/baseline.js'
export { type CdkOptions, cdk } from './infrastructure/cdk.js'
export {
  type CompareTemplatesOptions,
  compareTemplates,
  type StackTemplates,
} from './infrastructure/compare.js'
export type {
  ChangeImpact,
  InfrastructureChange,
  InfrastructureDiff,
  InfrastructureTemplate,
  PropertyChange,
  WidenedRight,
} from './infrastructure/diff.js'
export type { InfrastructureSource, Synthesis } from './infrastructure/source.js'
export { type TemplateSourceOptions, template } from './infrastructure/template-source.js'
export { watchInfrastructure } from './infrastructure/watch.js'
export type {
  InfrastructureDeployment,
  InfrastructureEvents,
  InfrastructureQuestion,
  InfrastructureWatch,
  LiveAgain,
  WatchInfrastructureOptions,
} from './infrastructure/watch-options.js'
export type { AccountOptions } from './live/account.js'
export { goLive, type LiveFunctionReport, type LiveReport } from './live/go-live.js'
export type {
  LiveCommonOptions,
  LiveFunction,
  LiveOptions,
  LiveStubOptions,
  RootKeys,
} from './live/options.js'
export { plan } from './live/plan.js'
export type { FunctionPlan, LivePlan, PlannedChange } from './live/plan-text.js'
export type { RolePolicy } from './live/policy.js'
export { type ApiGatewayPolicyOptions, apiGatewayPolicy } from './policies/api-gateway.js'
export type { ArnPlace } from './policies/arn-place.js'
export { type IamPolicy, type IamStatement, type IotPolicyOptions, iotPolicy } from './policies/iot.js'
export { type RestoreAllOptions, restoreAll } from './restore/all.js'
export {
  type RestoredFunctionReport,
  type RestoreOptions,
  type RestoreReport,
  restore,
} from './restore/restore.js'
export { fileSnapshots } from './snapshot/file.js'
export { s3Snapshots } from './snapshot/s3.js'
export type { LiveMode, SnapshotGetOptions, SnapshotStore } from './snapshot/snapshot.js'
export { type DeployedDebugStack, deployDebugStack } from './stack/deploy.js'
export type { DebugStackTarget, DeployDebugStackOptions, StackAccountOptions } from './stack/options.js'
export type { StackProgress } from './stack/progress.js'
export { type RemovedDebugStack, removeDebugStack } from './stack/remove.js'
export {
  type CloudFormationTemplate,
  type DebugStackOptions,
  debugStackName,
  debugStackTemplate,
} from './template/debug-stack.js'
export type { CloudFormationResource, CloudFormationResources } from './template/resource.js'
export { LAYER_WRAPPER, layerZip } from './zip/layer.js'
export { stubZip } from './zip/stub.js'
