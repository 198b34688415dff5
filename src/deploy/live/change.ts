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

/** A function to make live. Its snapshot is already in the store. */
export interface LiveJob {
  readonly functionName: string
  readonly settings: LiveSettings
  readonly snapshot: Snapshot
  /** Whether it was already live under this snapshot. */
  readonly live: boolean
  /** For `replace`. */
  readonly stubZip: Uint8Array
  readonly codeKmsKeyArn: string | undefined
}

/** The tools for making functions live. */
export interface LiveTools
  extends Pick<CompleteLiveOptions, 'snapshots' | 'roots' | 'clock' | 'updateTimeoutMs' | 'signal'> {
  readonly account: Account
  /** Publishes the layer again: a concurrent restore deletes versions that no function uses yet. */
  publishLayer(): Promise<string>
}

/** More rounds would mean that another caller, or Lambda, keeps changing the function. */
export const MAX_ROUNDS = 20
/** Lambda may assign another revision after an update has ended. */
export const RETRY_PAUSE_MS = 200
/**
 * Lambda's reads are eventually consistent: after an apparent change by another caller, the function is read again
 * after this pause.
 */
export const REREAD_PAUSE_MS = 500

/**
 * Makes a function live, step by step. Each step follows from the function's present state, so an interrupted run can
 * be continued, and only one of two concurrent runs gets the function. The configuration comes first: a single update
 * applies all of it, including the snapshot's name.
 * @returns whether anything had to be changed
 * @throws TetherError `DEPLOY_FAILED`, `STORE_FAILED`, `ABORTED`
 */
export async function makeLive(job: LiveJob, tools: LiveTools): Promise<boolean> {
  const { account, signal } = tools
  const { functionName, stubZip } = job
  let { settings, snapshot } = job
  let [tagged, configured, changed] = [job.live, false, false]
  // A wrapped function keeps its runtime and its layers.
  let confirmed = job.live || settings.mode === 'wrap'
  /** Revisions that our own updates have replaced. */
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
 * Sets the present runtime, handler and layers once more before they are replaced. A function keeps a blocked runtime
 * or a deleted layer version that it already has, but can never get it back: this update fails in time.
 */
function confirmWayBack(state: FunctionState, { account, signal }: LiveTools): Promise<void> {
  const { runtime, handler, layers } = state.facts
  return updateConfiguration(account, state, { runtime, handler, layers }, signal)
}

/** Refuses a function that changed after its snapshot was taken, or that was restored or deployed meanwhile. */
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
 * Joins another run that was faster, if it has the same settings: both snapshots are of the same function, so its
 * snapshot serves both.
 * @throws TetherError `DEPLOY_FAILED` if its settings differ
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
  // A run with other settings may use another key, which this run lacks for reading the snapshot.
  const same = isSame(theirs, variablesOfOurs(ours))
  const joined = same ? await readSnapshot(tools, functionArn, id) : undefined
  if (joined?.mode !== settings.mode) throw conflict(functionName, 'somebody else made it live meanwhile')
  // Our run may have overwritten its tag.
  await tagSnapshot(account, functionArn, id, tools)
  // Both runs may have published a version of the same layer.
  const layerArn = facts.layers.find((arn) => isOurLayer(arn, settings.layerPrefix))
  return {
    snapshot: joined,
    settings: { ...settings, variables: ours, ...(layerArn !== undefined && { layerArn }) },
  }
}

/**
 * Leaves exactly one snapshot of a live function: its own. Writes it again if a concurrent restore deleted it as a
 * leftover, merges it with another run's changes, and deletes all other snapshots.
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

/** Whether Lambda reports a deleted version of our layer. We cannot publish the function's own layers. */
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
