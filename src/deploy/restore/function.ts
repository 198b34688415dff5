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

/** A function that is its own again; what is left of ours is named here, to be cleared away. */
export interface RestoredFunction {
  readonly functionName: string
  readonly functionArn: string
  /** Whether anything had to be changed. */
  readonly changed: boolean
  /** What is not as in the snapshot, because somebody changed it while the function was live. */
  readonly kept: readonly string[]
  readonly tagged: boolean
  /** What the store has of it and nobody needs any more. */
  readonly snapshotIds: readonly string[]
  readonly leftovers: Leftovers
}

/** What restoring needs. */
export interface RestoreTools extends UpdateWait, SnapshotPlace {
  readonly account: Account
  readonly signal: AbortSignal | undefined
  /** Whose snapshots to go by. @default those of every application and stage */
  readonly scope?: Pick<Snapshot, 'app' | 'stage'>
}

/**
 * Gives a function back what it was, in steps that each follow from what it is now: the code first, then in one
 * update the configuration, which takes the snapshot's name from it. What somebody else changed meanwhile stays as it
 * is. A snapshot is read and checked, and the code that it names, before anything is changed.
 * @returns undefined when there is no such function
 * @throws TetherError `DEPLOY_FAILED` also for one that is live by a snapshot from elsewhere; `STORE_FAILED`,
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
    snapshotIds: idsIn(tools.scope, known),
    leftovers: leftoversOf(trusted, (roleName) => isAuthentic || roleName === found.roleName),
  }
  let used: Snapshot | undefined
  let code: Uint8Array | undefined
  /** Revisions that updates of ours have replaced. */
  const past = new Set<string>()
  let doubted: string | undefined
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const state = await settledFunction(account, functionName, tools, past)
    if (used === undefined) refuseUnusable(state, found, known)
    const snapshot = snapshotOf(state, found, known, trusted, tools)
    if (snapshot === undefined) {
      // It may have gone live a moment ago, and what is taken for a leftover then is its only way back.
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

/** One change towards the original. What is changed last is what tells that the function is ours. */
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

/** The snapshot by which a function comes back; undefined when nothing of ours is on it. */
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
  // Somebody's deployment took the name from it, and may have left the rest.
  const tagged = taggedSnapshot(tags)
  const inOrder = [...trusted].sort((a, b) => Number(b.id === tagged) - Number(a.id === tagged))
  return inOrder.find((snapshot) => isTouched(facts, snapshot, layerPrefixOf(snapshot)))
}

/** What a function names, by its variable or else its tag, is its only way back: it is neither passed over nor deleted. */
function refuseUnusable(
  { facts }: FunctionState,
  { tags }: FunctionDetails,
  { unusable }: KnownSnapshots,
): void {
  const problem = unusable.get(facts.environment[SNAPSHOT_VARIABLE] ?? taggedSnapshot(tags) ?? '')
  if (problem !== undefined) throw problem
}

/** Those that may be acted on: where nobody knows who wrote them, the one that the function itself names. */
function trustedSnapshots(
  { usable }: KnownSnapshots,
  { facts, tags }: FunctionDetails,
  { roots, scope }: RestoreTools,
): Snapshot[] {
  const named = [facts.environment[SNAPSHOT_VARIABLE], taggedSnapshot(tags)]
  return usable.filter((one) => isIn(scope, one) && (roots.length > 0 || named.includes(one.id)))
}

/** The ids of snapshots that are not known to be of another application or stage. */
export function idsIn(scope: RestoreTools['scope'], { ids, usable }: KnownSnapshots): string[] {
  const others = usable.filter((one) => !isIn(scope, one)).map(({ id }) => id)
  return ids.filter((id) => !others.includes(id))
}

/** Whether a snapshot is of this application and stage; of any, where there is none. */
export function isIn(scope: RestoreTools['scope'], { app, stage }: Pick<Snapshot, 'app' | 'stage'>): boolean {
  return scope === undefined || (scope.app === app && scope.stage === stage)
}

/** A function says itself for what it is live. @throws TetherError `STORE_FAILED` */
function checkStage(snapshot: Snapshot, { environment }: FunctionFacts, tools: RestoreTools): void {
  const [app, stage] = [environment[`${VARIABLE_PREFIX}APP`], environment[`${VARIABLE_PREFIX}STAGE`]]
  if (app === snapshot.app && stage === snapshot.stage) return
  const problem = `it is of ${snapshot.app}, stage ${snapshot.stage}, and the function is live for ${app}, stage ${stage}`
  throw unusable(tools, snapshotKeys(snapshot).facts, 'forged', problem)
}
