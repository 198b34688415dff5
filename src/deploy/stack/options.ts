import type { CredentialsOption } from '../../aws/credentials.js'
import { awsChecks } from '../../aws/sdk.js'
import type { Clock } from '../../core/base/clock.js'
import {
  checkClock,
  checkDuration,
  checkFunction,
  checkHttpUrl,
  checkSignal,
  matching,
} from '../../core/base/option-checks.js'
import type { Checks } from '../../core/base/options.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import type { DebugStackOptions } from '../template/debug-stack.js'
import { stackChecks } from '../template/debug-stack.js'
import type { StackProgress } from './progress.js'

/** Whose stacks, and how to reach them. What is left out the AWS SDK finds in the environment and the profile. */
export interface StackAccountOptions {
  readonly region?: string | undefined
  /** Called, or read, when the SDK asks. @default the AWS SDK's own chain: environment, profile, SSO */
  readonly credentials?: CredentialsOption | undefined
  /** Another server than AWS's, such as the local cloud's. @default the SDK's, which knows `AWS_ENDPOINT_URL_CLOUDFORMATION` */
  readonly cloudFormationEndpoint?: string | undefined
}

/** Which debug stack, and how its operation is followed. */
export interface DebugStackTarget
  extends StackAccountOptions,
    AbortOptions,
    Pick<DebugStackOptions, 'app' | 'stage'> {
  /** The stack's name. @default that of `debugStackName()` */
  readonly stackName?: string | undefined
  /** Where the bucket is emptied; the local cloud's, or another server than AWS's. @default the SDK's, which knows `AWS_ENDPOINT_URL_S3` */
  readonly s3Endpoint?: string | undefined
  /** Told of each resource that begins and ends; `String(progress)` is a line for a terminal. */
  readonly onProgress?: ((progress: StackProgress) => void) | undefined
  /** How often CloudFormation is asked, in milliseconds. @default 2,000 */
  readonly pollMs?: number | undefined
  /** How long an operation may take, in milliseconds. @default 900,000, 15 minutes */
  readonly timeoutMs?: number | undefined
  readonly clock?: Clock | undefined
}

/** Options of {@link deployDebugStack}. */
export interface DeployDebugStackOptions extends DebugStackTarget, DebugStackOptions {}

/** A check for each of {@link StackAccountOptions}. */
export const stackAccountChecks: Checks<StackAccountOptions> = {
  ...awsChecks,
  cloudFormationEndpoint: checkHttpUrl,
}

/** A check for each of {@link DebugStackTarget}. */
export const targetChecks: Checks<DebugStackTarget> = {
  ...stackAccountChecks,
  app: stackChecks.app,
  stage: stackChecks.stage,
  stackName: matching(
    /^[A-Za-z][A-Za-z0-9-]{0,127}$/,
    "a stack's name: at most 128 letters, digits and '-', a letter first",
  ),
  s3Endpoint: checkHttpUrl,
  onProgress: checkFunction,
  pollMs: checkDuration,
  timeoutMs: checkDuration,
  clock: checkClock,
  signal: checkSignal,
}
