import { printable } from '../../core/base/printable.js'
import { endOfUpdates } from '../runtimes.js'
import { MAX_UPLOAD_BYTES } from '../snapshot/kept.js'
import type { LiveMode } from '../snapshot/snapshot.js'
import type { Configuration, FunctionDetails } from './function.js'
import type { CompleteLiveOptions } from './options.js'
import { nodeRelease, openTelemetryVariables } from './target.js'
import type { UrlStreams } from './url.js'

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MAX_ENVIRONMENT_BYTES = 4_096
const MAX_LAYERS = 5
/** The oldest Node release that the stub supports. */
const MIN_NODE_RELEASE = 20

/** Context for the checks of one function. */
export interface CheckContext {
  readonly mode: LiveMode
  readonly options: Pick<CompleteLiveOptions, 'vpc' | 'mirror'>
  /** The configuration of the function when live. */
  readonly wanted: Configuration
  /** Whether it is already live, or was changed by an interrupted run. */
  readonly ours: boolean
  /** Whether its stub streams responses. @default false */
  readonly streams?: UrlStreams
  /** Unix milliseconds. */
  readonly now: number
}

/** Returns every reason why a function cannot go live, each with a remedy; empty if it can. Changes nothing. */
export function refusals(found: FunctionDetails, { mode, options, wanted, ours }: CheckContext): string[] {
  const { given, facts } = found
  const reasons: (string | false | undefined)[] = [
    given.PackageType === 'Image' &&
      'its package is a container image, whose code cannot be taken out and put back. Deploy it as a zip.',
    given.State !== undefined &&
      !['Active', 'Inactive', 'Pending'].includes(given.State) &&
      `its state is ${given.State}: ${given.StateReason ?? 'Lambda gives no reason'}.`,
    !ours &&
      (given.State === 'Pending' || given.LastUpdateStatus === 'InProgress') &&
      'an update of it is under way. Wait until that is finished.',
    !ours &&
      given.LastUpdateStatus === 'Failed' &&
      `its last update failed: ${given.LastUpdateStatusReason ?? 'Lambda gives no reason'}. Repair it first.`,
    given.SnapStart?.ApplyOn === 'PublishedVersions' &&
      'SnapStart is on: a version published meanwhile would be a snapshot of the stub. Turn SnapStart off.',
    given.CapacityProviderConfig !== undefined &&
      'it runs on Managed Instances, which run published versions only, and $LATEST is all that can be changed.',
    (given.SigningJobArn ?? given.SigningProfileVersionArn) !== undefined &&
      'its code is signed, and what would be added is not. Remove the code signing configuration.',
    given.Environment?.Error !== undefined &&
      `its variables cannot be read: ${given.Environment.Error.Message ?? given.Environment.Error.ErrorCode}. They would be lost: allow yourself kms:Decrypt and kms:Encrypt on ${given.KMSKeyArn ?? 'its KMS key'}.`,
    given.VpcConfig?.VpcId !== undefined &&
      given.VpcConfig.VpcId !== '' &&
      options.vpc === 'refuse' &&
      `it is in ${given.VpcConfig.VpcId}. It needs a way out to the broker, such as a NAT gateway; if it has one, set 'vpc' to 'allow'.`,
    environmentReason(wanted.environment),
    ...(mode === 'wrap' ? wrapReasons(found, wanted) : replaceReasons(found, options.mirror)),
    facts.codeSha256 === '' && 'Lambda does not tell the hash of its code.',
  ]
  return reasons.filter((reason) => typeof reason === 'string').map((reason) => printable(reason))
}

/** Returns warnings about a function that can go live. */
export function warnings(
  found: FunctionDetails,
  aliases: readonly string[],
  { mode, options, wanted, now, streams = false }: CheckContext,
): string[] {
  const { facts, reservedConcurrency, given } = found
  const updatesEnd = endOfUpdates(facts.runtime, now)
  const tracing = openTelemetryVariables(facts.environment).join(', ')
  const said: (string | false)[] = [
    aliases.length > 0 &&
      `Only $LATEST goes live. What invokes ${aliases.map((name) => `alias ${name}`).join(', ')} runs the code in the cloud.`,
    mode === 'replace' && 'While its code is changed, there and back, invocations fail for some seconds.',
    mode === 'replace' && 'While no session is open its triggers get errors: its own code is not there.',
    mode === 'replace' &&
      nodeRelease(facts.runtime) === undefined &&
      'The stub is Node.js: of its events, integers past 2^53 and numbers such as 1.0 arrive changed, and of a key that is there twice the last. Answers keep their numbers.',
    streams === true &&
      mode === 'replace' &&
      'It streams its responses: what invokes it without streaming gets the bytes of a stream, not JSON.',
    streams === 'unknown' &&
      "Whether its URL streams is not to be read without lambda:ListFunctionUrlConfigs. If it does, set 'streaming' of this function.",
    updatesEnd !== undefined &&
      `Lambda takes no update of a function with ${facts.runtime} from ${updatesEnd} on: then it cannot go live, nor come back. Move it to a newer runtime.`,
    tracing !== '' &&
      mode === 'replace' &&
      `Its OpenTelemetry (${tracing}) traces nothing while its code is replaced.`,
    tracing !== '' &&
      mode === 'wrap' &&
      !options.mirror &&
      `Its OpenTelemetry (${tracing}) traces invocations that its own code answers, and none that a session answers.`,
    mode === 'wrap' && options.mirror && 'It runs twice, in the cloud and locally: so do its side effects.',
    wanted.timeoutSeconds > facts.timeoutSeconds &&
      `Its time-out becomes ${wanted.timeoutSeconds} s. Lambda refuses that for a queue of SQS with a shorter visibility time-out.`,
    reservedConcurrency === 0 && 'Its reserved concurrency is 0: nobody can invoke it.',
    given.VpcConfig?.VpcId !== undefined &&
      given.VpcConfig.VpcId !== '' &&
      'It is in a VPC: without a way out to the broker every invocation waits for a connection first.',
  ]
  return said.filter((text) => text !== false).map((text) => printable(text))
}

function wrapReasons({ facts }: FunctionDetails, wanted: Configuration): (string | false)[] {
  const release = nodeRelease(facts.runtime)
  return [
    release === undefined &&
      `its runtime is '${facts.runtime}', and only Node.js functions can be wrapped. Set 'mode' to 'replace'.`,
    release !== undefined &&
      release < MIN_NODE_RELEASE &&
      `its runtime is '${facts.runtime}', and the stub needs Node.js ${MIN_NODE_RELEASE} or newer. Update its runtime.`,
    wanted.layers.length > MAX_LAYERS &&
      `it would have ${wanted.layers.length} layers, and Lambda allows ${MAX_LAYERS}. Set 'mode' to 'replace'.`,
  ]
}

function replaceReasons({ facts, codeReferenced }: FunctionDetails, mirror: boolean): (string | false)[] {
  return [
    facts.codeBytes > MAX_UPLOAD_BYTES &&
      `its code has ${facts.codeBytes} bytes, and Lambda takes back at most ${MAX_UPLOAD_BYTES} directly. A Node.js function can be wrapped instead.`,
    codeReferenced && 'its code is referenced in a bucket, to which an uploaded copy does not return it.',
    mirror && "there is nothing to mirror where its code is replaced. Set 'mirror' to false, or wrap it.",
  ]
}

// Lambda measures the JSON, according to its own error message.
function environmentReason(environment: Readonly<Record<string, string>>): string | false {
  const bytes = Buffer.byteLength(JSON.stringify(environment))
  return (
    bytes > MAX_ENVIRONMENT_BYTES &&
    `its variables would have ${bytes} bytes, and Lambda allows ${MAX_ENVIRONMENT_BYTES}. Move some of its own to where code can look them up.`
  )
}
