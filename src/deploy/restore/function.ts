import { delay } from '../../core/base/delay.js'
import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import { type Account, awsFailure, isAwsError } from '../live/account.js'
import { MAX_ROUNDS, REREAD_PAUSE_MS, RETRY_PAUSE_MS } from '../live/change.js'
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
import { SNAPSHOT_TAG, taggedSnapshot } from '../live/tag.js'
import {
  deviations,
  hasStub,
  isTouched,
  restoredConfiguration,
  SNAPSHOT_VARIABLE,
  VARIABLE_PREFIX,
} from '../live/target.js'
import { layerPrefixOf } from '../names.js'
import {
  type KnownSnapshots,
  readCode,
  readSnapshots,
  type SnapshotPlace,
  snapshotKeys,
  unusable,
} from '../snapshot/kept.js'
import type { FunctionFacts, Snapshot } from '../snapshot/snapshot.js'
import { type Leftovers, leftoversOf } from './leftovers.js'

/** A restored function, with its leftovers to clear away. */
export interface RestoredFunction {
  readonly functionName: string
  readonly functionArn: string
  /** Whether anything had to be changed. */
  readonly changed: boolean
  /**
   * Names of facts and variables that differ from the snapshot, because others changed them while the function was
   * live.
   */
  readonly kept: readonly string[]
  readonly tagged: boolean
  /** Snapshots of the function in the store, which are no longer needed. */
  readonly snapshotIds: readonly string[]
  readonly leftovers: Leftovers
}

/** The tools for restoring. */
export interface RestoreTools extends UpdateWait, SnapshotPlace {
  readonly account: Account
  readonly signal: AbortSignal | undefined
  /** Limits the call to snapshots of one application and stage. @default all */
  readonly scope?: Pick<Snapshot, 'app' | 'stage'>
  /**
   * Limits the call to snapshots with these ids: a function that is live by another one is left as it is.
   * @default all; such a function is an error if its snapshot is not in the store
   */
  readonly only?: ReadonlySet<string>
}

/**
 * Restores a function, step by step. Each step follows from the function's present state: first the code, then a single
 * update of the configuration that also removes the snapshot's name. Keeps changes that others made meanwhile. Reads
 * and checks the snapshot, and the code that it names, before any change.
 * @returns undefined if the function does not exist
 * @throws TetherError `DEPLOY_FAILED`, also for a function that is live by a snapshot from elsewhere; `STORE_FAILED`,
 * `ABORTED`
 */
export async function restoreFunction(
  name: string,
  tools: RestoreTools,
): Promise<RestoredFunction | undefined> {
  const { account, signal } = tools
  const found = await findFunction(account, name, signal)
  if (found === undefined) return undefined
  const { functionName, functionArn } = found
  const known = await readSnapshots(tools, functionArn)
  const trusted = trustedSnapshots(known, found, tools)
  const isAuthentic = tools.roots.length > 0
  const rest = {
    functionName,
    functionArn,
    tagged: SNAPSHOT_TAG in found.tags,
    snapshotIds: idsIn(tools, known),
    leftovers: leftoversOf(trusted, (roleName) => isAuthentic || roleName === found.roleName),
  }
  let used: Snapshot | undefined
  let code: Uint8Array | undefined
  /** Revisions that our own updates have replaced. */
  const past = new Set<string>()
  let doubted: string | undefined
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const state = await settledFunction(account, functionName, tools, past)
    // Another run may have it live by now.
    if (isOthers(state, used, tools)) return { ...rest, changed: used !== undefined, kept: [] }
    if (used === undefined) refuseUnusable(state, found, known)
    const snapshot = snapshotOf(state, found, known, trusted, tools)
    if (snapshot === undefined) {
      // The function may have gone live a moment ago. Its snapshot would look like a leftover, but be its only way
      // back.
      const mayBeLive = used === undefined && (rest.tagged || rest.snapshotIds.length > 0)
      if (mayBeLive && state.revisionId !== doubted) {
        doubted = state.revisionId
        await delay(REREAD_PAUSE_MS, tools)
        continue
      }
      return {
        ...rest,
        changed: used !== undefined,
        kept: used ? deviations(state.facts, used.original) : [],
      }
    }
    if (snapshot.id !== used?.id) code = undefined
    if (hasStub(state.facts, snapshot)) code ??= await readCode(tools, snapshot)
    used = snapshot
    try {
      await step(state, snapshot, code, found, tools)
      past.add(state.revisionId)
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

/** Whether a function is live by a snapshot that this call does not restore, or no longer. */
function isOthers({ facts }: FunctionState, used: Snapshot | undefined, { only }: RestoreTools): boolean {
  const id = facts.environment[SNAPSHOT_VARIABLE]
  if (id === undefined || id === used?.id) return false
  return used !== undefined || (only !== undefined && !only.has(id))
}

/** Makes one change towards the original. The variable that marks the function as ours goes last. */
async function step(
  state: FunctionState,
  snapshot: Snapshot,
  code: Uint8Array | undefined,
  found: FunctionDetails,
  { account, signal }: RestoreTools,
) {
  const wanted = restoredConfiguration(state.facts, snapshot, layerPrefixOf(snapshot))
  const change = difference(state.facts, wanted)
  const named = Object.hasOwn(state.facts.environment, SNAPSHOT_VARIABLE)
  if (code !== undefined && hasStub(state.facts, snapshot) && (named || change === undefined)) {
    return updateCode(account, state, code, found.codeKmsKeyArn, signal)
  }
  return updateConfiguration(account, state, change ?? {}, signal)
}

/** Returns the snapshot to restore a function from; undefined if nothing of ours is on it. */
function snapshotOf(
  { facts, functionName, functionArn }: FunctionState,
  { tags }: FunctionDetails,
  known: KnownSnapshots,
  trusted: readonly Snapshot[],
  tools: RestoreTools,
): Snapshot | undefined {
  const id = facts.environment[SNAPSHOT_VARIABLE]
  if (id !== undefined) {
    const named = known.usable.find((snapshot) => snapshot.id === id)
    if (named !== undefined) {
      checkStage(named, facts, tools)
      return named
    }
    const where = printable(tags[SNAPSHOT_TAG] ?? 'it has no tag')
    throw new TetherError(
      'DEPLOY_FAILED',
      `${functionName} is live, and its snapshot ${printable(id, 100)} is not in ${tools.snapshots.location}. Restore it from where it is; its tag says: ${where}.`,
      { details: { functionName, functionArn, reason: 'elsewhere', snapshot: id } },
    )
  }
  // A deployment removed the snapshot's name, and may have left the rest.
  const tagged = taggedSnapshot(tags)
  const inOrder = [...trusted].sort((a, b) => Number(b.id === tagged) - Number(a.id === tagged))
  return inOrder.find((snapshot) => isTouched(facts, snapshot, layerPrefixOf(snapshot)))
}

/**
 * Throws if the snapshot that a function names, by its variable or else its tag, is unusable: as the only way back, it
 * must be neither skipped nor deleted.
 */
function refuseUnusable(
  { facts }: FunctionState,
  { tags }: FunctionDetails,
  { unusable }: KnownSnapshots,
): void {
  const problem = unusable.get(facts.environment[SNAPSHOT_VARIABLE] ?? taggedSnapshot(tags) ?? '')
  if (problem !== undefined) throw problem
}

/**
 * Returns the snapshots that may be used. Without a key their author is unknown, so only snapshots that the function
 * itself names count.
 */
function trustedSnapshots(
  { usable }: KnownSnapshots,
  { facts, tags }: FunctionDetails,
  { roots, scope, only }: RestoreTools,
): Snapshot[] {
  const named = [facts.environment[SNAPSHOT_VARIABLE], taggedSnapshot(tags)]
  return usable.filter(
    (one) => isIn(scope, one) && (only?.has(one.id) ?? true) && (roots.length > 0 || named.includes(one.id)),
  )
}

/** Returns the ids of a call's snapshots. An unusable one may be of any application and stage. */
export function idsIn(
  { scope, only }: Pick<RestoreTools, 'scope' | 'only'>,
  { ids, usable }: KnownSnapshots,
): string[] {
  const others = usable.filter((one) => !isIn(scope, one)).map(({ id }) => id)
  return ids.filter((id) => !others.includes(id) && (only?.has(id) ?? true))
}

/** Whether a snapshot is of this application and stage; always true without a scope. */
export function isIn(scope: RestoreTools['scope'], { app, stage }: Pick<Snapshot, 'app' | 'stage'>): boolean {
  return scope === undefined || (scope.app === app && scope.stage === stage)
}

/**
 * Checks a snapshot against the application and stage in the function's own variables.
 * @throws TetherError `STORE_FAILED`
 */
function checkStage(snapshot: Snapshot, { environment }: FunctionFacts, tools: RestoreTools): void {
  const [app, stage] = [environment[`${VARIABLE_PREFIX}APP`], environment[`${VARIABLE_PREFIX}STAGE`]]
  if (app === snapshot.app && stage === snapshot.stage) return
  const problem = `it is of ${snapshot.app}, stage ${snapshot.stage}, and the function is live for ${app}, stage ${stage}`
  throw unusable(tools, snapshotKeys(snapshot).facts, 'forged', problem)
}
