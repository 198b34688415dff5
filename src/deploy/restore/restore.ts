import { TetherError } from '../../core/base/errors.js'
import { checkOptions, required } from '../../core/base/options.js'
import { type Account, awsFailure, withAccount } from '../live/account.js'
import { findFunction, updateWaitOf } from '../live/function.js'
import {
  type CompleteLiveOptions,
  type LiveCommonOptions,
  type LiveFunction,
  liveChecks,
  patience,
  rootsOf,
} from '../live/options.js'
import { forEach } from '../live/parallel.js'
import type { Ready } from '../live/prepare.js'
import { untagSnapshot } from '../live/tag.js'
import { SNAPSHOT_VARIABLE } from '../live/target.js'
import { deleteSnapshot } from '../snapshot/kept.js'
import { type RestoredFunction, type RestoreTools, restoreFunction } from './function.js'
import { clearLeftovers } from './leftovers.js'

/** Options of {@link restore}. */
export interface RestoreOptions extends LiveCommonOptions {
  /** Names or ARNs; accepts the `functions` of `goLive()` unchanged. */
  readonly functions: readonly (string | Pick<LiveFunction, 'name'>)[]
}

/** The result of a restore. */
export interface RestoreReport {
  readonly functions: readonly RestoredFunctionReport[]
}

/** The result for one function. */
export interface RestoredFunctionReport {
  readonly functionName: string
  /**
   * `unchanged`: it was not live. `gone`: it was deleted while live. `elsewhere`: it is live by a snapshot in another
   * place, which its tag names, and was left alone.
   */
  readonly outcome: 'restored' | 'unchanged' | 'gone' | 'elsewhere'
  /** Names of facts and variables that others changed while it was live. They were left as they are. */
  readonly kept: readonly string[]
}

/**
 * Restores functions to their state before `goLive()`, compares them with their snapshots, and removes the leftovers:
 * tags, and policies and layers that no function needs any more. Keeps changes that others made meanwhile. A function
 * that is not live is no error.
 *
 * A snapshot is untrusted data: each field is checked and, with `key` or `stub.key`, its authentication code. If a
 * check fails, the function is not touched. Without a key, only a snapshot that the function itself names is used, and
 * policies are removed from the function's present role only.
 * @throws TetherError `DEPLOY_FAILED` if a function could not be restored, after restoring the others: call it again.
 * `INVALID_OPTION`, `MISSING_DEPENDENCY`, `STORE_FAILED`, `ABORTED`
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  checkOptions('restore', options, { ...liveChecks, functions: required(liveChecks.functions) })
  const names = options.functions.map((one) => (typeof one === 'string' ? one : one.name))
  return withAccount(options, async (account) => ({
    functions: await restoreEach(names, toolsOf(account, options)),
  }))
}

/**
 * Undoes the changes of a `goLive()` call to functions that were not live before it. Leaves functions alone that
 * another run made live.
 */
export async function takeBack(
  account: Account,
  options: Pick<CompleteLiveOptions, 'snapshots' | 'roots' | 'clock' | 'updateTimeoutMs'>,
  readies: readonly Ready[],
): Promise<void> {
  const { snapshots, roots, clock, updateTimeoutMs } = options
  const ours = readies.filter(({ live }) => !live)
  const only = new Set(ours.map(({ snapshot }) => snapshot.id))
  const tools = { account, snapshots, roots, clock, updateTimeoutMs, signal: undefined, only }
  const names = ours.map(({ found }) => found.functionArn)
  await restoreEach(names, tools)
}

/** Restores each function and clears the leftovers of the restored ones. Throws afterwards if one failed. */
export async function restoreEach(
  names: readonly string[],
  tools: RestoreTools,
): Promise<RestoredFunctionReport[]> {
  const { account, signal } = tools
  const results = await forEach(names, async (name) => {
    const restored = await restoreFunction(name, tools)
    if (restored !== undefined) return restored
    const text = `There is no function ${name} in ${account.region}.`
    throw new TetherError('DEPLOY_FAILED', text, { details: { functionName: name } })
  })
  const restored = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  // Snapshots go last: after an interruption, they show the remaining work.
  await clearLeftovers(
    account,
    restored.map(({ leftovers }) => leftovers),
    signal,
  )
  for (const { functionArn, tagged, changed, snapshotIds } of restored) {
    // Another run may have it live by now, under a snapshot that looked like a leftover.
    const now = await findFunction(account, functionArn, signal)
    const id = now?.facts.environment[SNAPSHOT_VARIABLE]
    // Without the right to list tags, `tagged` is always false.
    if (id === undefined && (tagged || changed)) await untagSnapshot(account, functionArn, signal)
    for (const one of snapshotIds) if (one !== id) await deleteSnapshot(tools, { functionArn, id: one })
  }
  const reasons = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  if (reasons.length > 0) throw failure(reasons, signal)
  return restored.map(reportOf)
}

function reportOf({ functionName, changed, kept }: RestoredFunction): RestoredFunctionReport {
  return { functionName, outcome: changed ? 'restored' : 'unchanged', kept }
}

function failure(reasons: readonly unknown[], signal: AbortSignal | undefined): TetherError {
  const errors = reasons.map((reason) => awsFailure('Restoring', reason, signal))
  const [first] = errors
  if (errors.length === 1 && first !== undefined) return first
  const text = `${errors.length} functions were not restored. Call it again.`
  return new TetherError('DEPLOY_FAILED', [text, ...errors.map(({ message }) => message)].join('\n'), {
    cause: new AggregateError(errors),
  })
}

/** Returns the tools for restoring, from a call's options. */
export function toolsOf(account: Account, options: LiveCommonOptions): RestoreTools {
  const complete = { ...options, ...patience(options) }
  return { account, snapshots: options.snapshots, roots: rootsOf(options), ...updateWaitOf(complete) }
}
