import { delay } from '../../core/base/delay.js'
import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import { deleteSnapshot, readSnapshot, snapshotIds, writeSnapshot } from '../snapshot/kept.js'
import { codeHash, type Snapshot } from '../snapshot/snapshot.js'
import { type Account, awsFailure, isAwsError } from './account.js'
import {
  difference,
  downloadCode,
  type FunctionState,
  findFunction,
  isSame,
  settledFunction,
  updateCode,
  updateConfiguration,
  updateWaitOf,
} from './function.js'
import type { CompleteLiveOptions } from './options.js'
import { merged } from './snapshot.js'
import { tagSnapshot } from './tag.js'
import {
  deviations,
  isKnownCode,
  isOurLayer,
  LIVE_UNTIL_VARIABLE,
  type LiveSettings,
  liveConfiguration,
  SNAPSHOT_VARIABLE,
  variablesOfOurs,
} from './target.js'

/** A function that is to be made live; its snapshot is in the store. */
export interface LiveJob {
  readonly functionName: string
  readonly settings: LiveSettings
  readonly snapshot: Snapshot
  /** It was live under this snapshot before. */
  readonly live: boolean
  /** For `replace`. */
  readonly stubZip: Uint8Array
  readonly codeKmsKeyArn: string | undefined
}

/** What making live needs besides. */
export interface LiveTools
  extends Pick<CompleteLiveOptions, 'snapshots' | 'roots' | 'clock' | 'updateTimeoutMs' | 'signal'> {
  readonly account: Account
  /** Publishes the layer again: who goes back deletes versions that nobody uses yet. */
  publishLayer(): Promise<string>
}

/** More would be a fight with somebody, or with Lambda. */
export const MAX_ROUNDS = 20
/** Lambda may give a function yet another revision when an update has ended. */
export const RETRY_PAUSE_MS = 200
/** Lambda's reads are eventually consistent: what looks like somebody else's change is read again after this long. */
export const REREAD_PAUSE_MS = 500

/**
 * Makes a function live in steps that each follow from what the function is now: so a run that broke off is gone on
 * with, and of two at once one gets the function. The configuration comes first and names the snapshot in the same
 * update as everything else of it.
 * @returns whether anything had to be changed
 * @throws TetherError `DEPLOY_FAILED`, `STORE_FAILED`, `ABORTED`
 */
export async function makeLive(job: LiveJob, tools: LiveTools): Promise<boolean> {
  const { account, signal } = tools
  const { functionName, stubZip } = job
  let { settings, snapshot } = job
  let [tagged, configured, changed] = [job.live, false, false]
  // What is wrapped keeps its runtime and its layers.
  let confirmed = job.live || settings.mode === 'wrap'
  /** Revisions that updates of ours have replaced. */
  const past = new Set<string>()
  let doubted: string | undefined
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const state = await settledFunction(account, functionName, updateWaitOf(tools), past)
    try {
      const id = state.facts.environment[SNAPSHOT_VARIABLE]
      if (id !== undefined && id !== snapshot.id) {
        ;({ settings, snapshot } = await join(state, settings, tools))
        configured = true
      }
      if (id === undefined) refuseChanges(state, snapshot, job.live || configured)
      const change = difference(state.facts, liveConfiguration(state.facts, snapshot, settings))
      if (change !== undefined && configured) throw conflict(functionName, 'somebody changed it meanwhile')
      if (state.given.LastUpdateStatus === 'Failed' && (changed || change === undefined))
        throw failedUpdate(state)
      if (change !== undefined && !confirmed) {
        await confirmWayBack(state, tools)
        confirmed = true
      } else if (change !== undefined) {
        if (!tagged) await tagSnapshot(account, state.functionArn, snapshot.id, tools)
        tagged = true
        await updateConfiguration(account, state, change, signal)
        configured = true
      } else {
        await keepSnapshot(state, snapshot, tools)
        if (settings.mode === 'wrap' || state.facts.codeSha256 === codeHash(stubZip)) return changed
        if (!isKnownCode(state.facts, snapshot))
          throw conflict(functionName, 'somebody changed its code meanwhile')
        await updateCode(account, state, stubZip, job.codeKmsKeyArn, signal)
      }
      past.add(state.revisionId)
      changed = true
    } catch (error) {
      if (isConflict(error)) {
        if (state.revisionId === doubted) throw error
        doubted = state.revisionId
        await delay(REREAD_PAUSE_MS, tools)
        continue
      }
      if (isMissingLayer(error, settings)) settings = { ...settings, layerArn: await tools.publishLayer() }
      else if (!isAwsError(error, 'PreconditionFailedException', 'ResourceConflictException')) {
        const what = confirmed ? 'Updating' : 'Trying whether Lambda takes back the runtime and the layers of'
        throw awsFailure(`${what} function ${functionName}`, error, signal)
      }
      await delay(RETRY_PAUSE_MS, tools)
    }
  }
  throw conflict(functionName, `it was changed ${MAX_ROUNDS} times meanwhile`)
}

/**
 * Sets what there is once more, before it is replaced: a runtime that is blocked and a layer's version that was deleted
 * stay with a function that has them, and no function gets them again.
 */
function confirmWayBack(state: FunctionState, { account, signal }: LiveTools): Promise<void> {
  const { runtime, handler, layers } = state.facts
  return updateConfiguration(account, state, { runtime, handler, layers }, signal)
}

/** What was not ours to change when the snapshot was taken, or is not any more. */
function refuseChanges(
  { functionName, facts }: FunctionState,
  { original }: Snapshot,
  wasLive: boolean,
): void {
  if (wasLive) throw conflict(functionName, 'somebody restored or deployed it meanwhile')
  const changed = deviations(facts, original)
  if (changed.length === 0) return
  throw conflict(functionName, `somebody changed it meanwhile (${changed.join(', ')})`)
}

/**
 * Another run was faster. If it wants what we want, its snapshot serves both; each was taken of the same function.
 * @throws TetherError `DEPLOY_FAILED` when it wants something else
 */
async function join(
  { facts, functionName, functionArn }: FunctionState,
  settings: LiveSettings,
  tools: LiveTools,
): Promise<Pick<LiveJob, 'settings' | 'snapshot'>> {
  const { account } = tools
  const theirs = variablesOfOurs(facts.environment)
  const id = facts.environment[SNAPSHOT_VARIABLE] ?? ''
  const liveUntil = facts.environment[LIVE_UNTIL_VARIABLE] ?? ''
  const ours = { ...settings.variables, [LIVE_UNTIL_VARIABLE]: liveUntil }
  // Who wants something else may have another key as well, with which the snapshot is not to be read.
  const same = isSame(theirs, variablesOfOurs(ours))
  const joined = same ? await readSnapshot(tools, functionArn, id) : undefined
  if (joined?.mode !== settings.mode) throw conflict(functionName, 'somebody else made it live meanwhile')
  // Ours may have written its tag over theirs.
  await tagSnapshot(account, functionArn, id, tools)
  // Both may have published a version of the same layer.
  const layerArn = facts.layers.find((arn) => isOurLayer(arn, settings.layerPrefix))
  return {
    snapshot: joined,
    settings: { ...settings, variables: ours, ...(layerArn !== undefined && { layerArn }) },
  }
}

/**
 * Leaves one snapshot of a live function: its own, which somebody who went back may have taken for a leftover, or
 * another run have written.
 */
async function keepSnapshot(
  { functionArn, functionName }: FunctionState,
  snapshot: Snapshot,
  tools: LiveTools,
) {
  const { account, signal } = tools
  const kept = await readSnapshot(tools, functionArn, snapshot.id)
  if (kept === undefined) {
    const found = snapshot.mode === 'replace' ? await findFunction(account, functionName, signal) : undefined
    const code = found && (await downloadCode({ ...found, facts: snapshot.original }, signal))
    await writeSnapshot(tools, snapshot, code)
    await tagSnapshot(account, functionArn, snapshot.id, tools)
  } else {
    const { live, policies, keyId } = snapshot
    const both = merged(kept, { ...live, policies, keyId })
    if (!isSame(both, kept)) await writeSnapshot(tools, both, undefined)
  }
  for (const id of await snapshotIds(tools, functionArn)) {
    if (id !== snapshot.id) await deleteSnapshot(tools, { functionArn, id })
  }
}

/** Lambda's answer to a version of our layer that was deleted; one of the function's own is not ours to publish. */
function isMissingLayer(error: unknown, { layerPrefix }: LiveSettings): boolean {
  if (!isAwsError(error, 'InvalidParameterValueException', 'ResourceNotFoundException')) return false
  const match = /layer version (\S+) (?:does not exist|not found)/i.exec((error as Error).message)
  return isOurLayer(match?.[1] ?? '', layerPrefix)
}

function failedUpdate({ functionName, given }: FunctionState): TetherError {
  const reason = printable(given.LastUpdateStatusReason ?? 'it gives no reason')
  return new TetherError('DEPLOY_FAILED', `Lambda could not update ${functionName}: ${reason}.`, {
    details: { functionName, reasonCode: given.LastUpdateStatusReasonCode },
  })
}

function isConflict(error: unknown): boolean {
  return error instanceof TetherError && error.details.reason === 'conflict'
}

function conflict(functionName: string, what: string): TetherError {
  return new TetherError('DEPLOY_FAILED', `${functionName} did not go live: ${what}.`, {
    details: { functionName, reason: 'conflict' },
  })
}
