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

/**
 * The AWS account of the stacks, and how to reach it. The AWS SDK finds omitted values in the environment and the
 * profile.
 */
export interface StackAccountOptions {
  readonly region?: string | undefined
  /**
   * Credentials, or a function that the SDK calls for them.
   * @default the AWS SDK's own chain: environment, profile, SSO
   */
  readonly credentials?: CredentialsOption | undefined
  /**
   * A server other than AWS's, such as the local cloud's.
   * @default the SDK's, which reads `AWS_ENDPOINT_URL_CLOUDFORMATION`
   */
  readonly cloudFormationEndpoint?: string | undefined
}

/** The debug stack, and how to follow an operation on it. */
export interface DebugStackTarget
  extends StackAccountOptions,
    AbortOptions,
    Pick<DebugStackOptions, 'app' | 'stage'> {
  /** The stack's name. @default the name from `debugStackName()` */
  readonly stackName?: string | undefined
  /**
   * S3's endpoint for emptying the bucket: the local cloud's, or a server other than AWS's.
   * @default the SDK's, which reads `AWS_ENDPOINT_URL_S3`
   */
  readonly s3Endpoint?: string | undefined
  /** Called when the operation on a resource begins or ends; `String(progress)` is a line for a terminal. */
  readonly onProgress?: ((progress: StackProgress) => void) | undefined
  /** Interval for polling CloudFormation, in milliseconds. @default 2,000 */
  readonly pollMs?: number | undefined
  /** Limit for an operation, in milliseconds. @default 900,000, 15 minutes */
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
