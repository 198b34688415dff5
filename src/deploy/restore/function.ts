import { delay } from '../../core/base/delay.js'
import { TetherError } from '../../core/base/errors.js'
import { type Account, awsFailure, isAwsError } from '../live/account.js'
import { MAX_ROUNDS, RETRY_PAUSE_MS } from '../live/change.js'
import {
  difference,
  type FunctionDetails,
  type FunctionState,
  findFunction,
  settledFunction,
  type UpdateWait,
  updateCode,
  updateConfiguration,
} from '../live/function.js'
import { layerPrefixOf } from '../live/options.js'
import { SNAPSHOT_TAG, taggedSnapshot } from '../live/tag.js'
import { deviations, hasStub, isTouched, restoredConfiguration, SNAPSHOT_VARIABLE } from '../live/target.js'
import {
  type KnownSnapshots,
  readCode,
  readSnapshots,
  type Snapshot,
  type SnapshotStore,
} from '../snapshot/snapshot.js'

/** A function that is its own again; what is left of ours is named here, to be cleared away. */
export interface RestoredFunction {
  readonly functionName: string
  readonly functionArn: string
  /** Whether anything had to be changed. */
  readonly changed: boolean
  /** What is not as in the snapshot, because somebody changed it while the function was live. */
  readonly kept: readonly string[]
  readonly tagged: boolean
  /** All that the store has of it. */
  readonly snapshotIds: readonly string[]
  readonly snapshots: readonly Snapshot[]
}

/** What restoring needs. */
export interface RestoreTools extends UpdateWait {
  readonly account: Account
  readonly snapshots: SnapshotStore
}

/**
 * Gives a function back what it was, in steps that each follow from what it is now: the code first, then in one
 * update the configuration, which takes the snapshot's name from it. What somebody else changed meanwhile stays as it
 * is.
 * @returns undefined when there is no such function
 * @throws TetherError `DEPLOY_FAILED` also for one that is live by a snapshot from elsewhere; `STORE_FAILED`,
 * `ABORTED`
 */
export async function restoreFunction(
  name: string,
  tools: RestoreTools,
): Promise<RestoredFunction | undefined> {
  const { account, snapshots, signal } = tools
  const found = await findFunction(account, name, signal)
  if (found === undefined) return undefined
  const { functionName, functionArn } = found
  const known = await readSnapshots(snapshots, functionArn, signal === undefined ? {} : { signal })
  const rest = {
    functionName,
    functionArn,
    tagged: SNAPSHOT_TAG in found.tags,
    snapshotIds: known.ids,
    snapshots: known.usable,
  }
  let used: Snapshot | undefined
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const state = await settledFunction(account, functionName, tools)
    const snapshot = snapshotOf(state, found, known, snapshots)
    if (snapshot === undefined) {
      return {
        ...rest,
        changed: used !== undefined,
        kept: used ? deviations(state.facts, used.original) : [],
      }
    }
    used = snapshot
    try {
      await step(state, snapshot, found, tools)
    } catch (error) {
      if (!isAwsError(error, 'PreconditionFailedException', 'ResourceConflictException')) {
        throw awsFailure(`Restoring function ${functionName}`, error, signal)
      }
      await delay(RETRY_PAUSE_MS, tools)
    }
  }
  const text = `${functionName} was not restored: it was changed ${MAX_ROUNDS} times meanwhile. Call restore() again.`
  throw new TetherError('DEPLOY_FAILED', text, { details: { functionName, reason: 'conflict' } })
}

/** One change towards the original. What is changed last is what tells that the function is ours. */
async function step(state: FunctionState, snapshot: Snapshot, found: FunctionDetails, tools: RestoreTools) {
  const { account, signal } = tools
  const wanted = restoredConfiguration(state.facts, snapshot, layerPrefixOf(snapshot))
  const change = difference(state.facts, wanted)
  const named = Object.hasOwn(state.facts.environment, SNAPSHOT_VARIABLE)
  if (hasStub(state.facts, snapshot) && (named || change === undefined)) {
    const code = await readCode(tools.snapshots, snapshot, signal === undefined ? {} : { signal })
    return updateCode(account, state, code, found.codeKmsKeyArn, signal)
  }
  return updateConfiguration(account, state, change ?? {}, signal)
}

/** The snapshot by which a function comes back; undefined when nothing of ours is on it. */
function snapshotOf(
  { facts, functionName }: FunctionState,
  { tags }: FunctionDetails,
  { usable, damaged }: KnownSnapshots,
  store: SnapshotStore,
): Snapshot | undefined {
  const id = facts.environment[SNAPSHOT_VARIABLE]
  if (id !== undefined) {
    const named = usable.find((snapshot) => snapshot.id === id)
    if (named !== undefined) return named
    const unusable = damaged.get(id)
    if (unusable !== undefined) throw unusable
    const where = tags[SNAPSHOT_TAG] ?? 'it has no tag'
    throw new TetherError(
      'DEPLOY_FAILED',
      `${functionName} is live, and its snapshot ${id} is not in ${store.location}. Restore it from where it is; its tag says: ${where}.`,
      { details: { functionName, reason: 'elsewhere', snapshot: id } },
    )
  }
  // Somebody's deployment took the name from it, and may have left the rest.
  const tagged = taggedSnapshot(tags)
  const inOrder = [...usable].sort((a, b) => Number(b.id === tagged) - Number(a.id === tagged))
  return inOrder.find((snapshot) => isTouched(facts, snapshot, layerPrefixOf(snapshot)))
}
