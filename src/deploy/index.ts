export type { StubBundleName } from '../stub/bundle.js'
export type { CredentialsOption } from '../transports/aws-sdk.js'
export type { AwsCredentials } from '../transports/sigv4.js'
export { type ApiGatewayPolicyOptions, apiGatewayPolicy } from './api-gateway-policy.js'
export type { ArnPlace } from './arn-place.js'
export {
  type CloudFormationTemplate,
  type DebugStackOptions,
  debugStackName,
  debugStackTemplate,
} from './debug-stack.js'
export type { CloudFormationResource, CloudFormationResources } from './debug-stack-resource.js'
export { goLive, type LiveFunctionReport, type LiveReport } from './go-live.js'
export { type IamPolicy, type IamStatement, type IotPolicyOptions, iotPolicy } from './iot-policy.js'
export { LAYER_WRAPPER, layerZip } from './layer-zip.js'
export type { AccountOptions } from './live-account.js'
export type { LiveCommonOptions, LiveFunction, LiveOptions, LiveStubOptions } from './live-options.js'
export type { RolePolicy } from './live-policy.js'
export { type FunctionPlan, type LivePlan, type PlannedChange, plan } from './plan.js'
export {
  type RestoredFunctionReport,
  type RestoreOptions,
  type RestoreReport,
  restore,
} from './restore.js'
export { type RestoreAllOptions, restoreAll } from './restore-all.js'
export type { LiveMode, SnapshotStore } from './snapshot.js'
export { fileSnapshots } from './snapshot-file.js'
export { s3Snapshots } from './snapshot-s3.js'
export { stubZip } from './stub-zip.js'
