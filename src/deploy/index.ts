export type { StubBundleName } from '../stub/bundle.js'
export { type IamPolicy, type IamStatement, type IotPolicyOptions, iotPolicy } from './iot-policy.js'
export { stubZip } from './stub-zip.js'
