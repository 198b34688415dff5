import { checkOptions, required } from '../../core/base/options.js'
import { checkPart } from '../../core/contracts/transport.js'
import { type Account, awsFailure, listFunctions, withAccount } from '../live/account.js'
import { bareName, type LiveCommonOptions, liveChecks } from '../live/options.js'
import { SNAPSHOT_VARIABLE, VARIABLE_PREFIX } from '../live/target.js'
import {
  deleteSnapshot,
  functionAddress,
  type KnownSnapshots,
  readSnapshots,
  snapshotFunctions,
} from '../snapshot/snapshot.js'
import { clearLeftovers } from './leftovers.js'
import { type RestoreReport, restoreEach, toolsOf } from './restore.js'

/** Options of {@link restoreAll}. */
export interface RestoreAllOptions extends LiveCommonOptions {
  /** As the functions went live with: those of others are left alone. */
  readonly app: string
  readonly stage: string
}

/**
 * Restores every function of an application and stage that is live, such as those that a crashed host left. It finds
 * them by their snapshots and by their variables.
 * @throws TetherError as {@link restore}
 */
export async function restoreAll(options: RestoreAllOptions): Promise<RestoreReport> {
  checkOptions('restoreAll', options, {
    app: required(checkPart),
    stage: required(checkPart),
    ...liveChecks,
  })
  return withAccount(options, (account) => restoreLive(account, options))
}

async function restoreLive(account: Account, options: RestoreAllOptions): Promise<RestoreReport> {
  const tools = toolsOf(account, options)
  const { here, elsewhere, gone } = await findLive(account, options)
  const restored = await restoreEach(here, tools)
  const { signal } = options
  await clearLeftovers(
    account,
    gone.flatMap(({ usable }) => usable),
    signal,
  )
  for (const { functionArn, ids } of gone) {
    for (const id of ids) {
      await deleteSnapshot(options.snapshots, { functionArn, id }, signal === undefined ? {} : { signal })
    }
  }
  const report = (functionName: string, outcome: 'elsewhere' | 'gone') => ({
    functionName,
    outcome,
    kept: [],
  })
  return {
    functions: [
      ...restored,
      ...elsewhere.map((arn) => report(bareName(arn), 'elsewhere')),
      ...gone.map(({ functionArn }) => report(bareName(functionArn), 'gone')),
    ],
  }
}

interface LiveFunctions {
  /** ARNs of functions with a snapshot in this store. */
  readonly here: readonly string[]
  /** ARNs of functions that are live by another. */
  readonly elsewhere: readonly string[]
  /** What this store still has of functions that were deleted. */
  readonly gone: readonly (KnownSnapshots & { readonly functionArn: string })[]
}

async function findLive(
  account: Account,
  { app, stage, snapshots, signal }: RestoreAllOptions,
): Promise<LiveFunctions> {
  const abort = signal === undefined ? {} : { signal }
  const functions = await listFunctions(account, signal).catch((error: unknown) => {
    throw awsFailure('Listing the functions', error, signal)
  })
  const arns = new Set(functions.map(({ FunctionArn = '' }) => FunctionArn))
  const live = new Map<string, string>()
  for (const { FunctionArn = '', Environment } of functions) {
    const of = (name: string) => Environment?.Variables?.[VARIABLE_PREFIX + name]
    const id = Environment?.Variables?.[SNAPSHOT_VARIABLE]
    if (id !== undefined && of('APP') === app && of('STAGE') === stage) live.set(FunctionArn, id)
  }
  const [some] = arns
  const mine = new Map<string, KnownSnapshots>()
  if (some !== undefined) {
    const { partition, region, accountId } = functionAddress(some)
    for (const address of await snapshotFunctions(snapshots, abort)) {
      if (address.region !== region || address.accountId !== accountId) continue
      const functionArn = `arn:${partition}:lambda:${region}:${accountId}:function:${address.functionName}`
      const known = await readSnapshots(snapshots, functionArn, abort)
      // A damaged one tells nothing: the function that is live by it does, and restoring that says what is wrong.
      const isMine = known.usable.some((one) => one.app === app && one.stage === stage)
      if (isMine || known.ids.includes(live.get(functionArn) ?? '')) mine.set(functionArn, known)
    }
  }
  const elsewhere = [...live].filter(([arn, id]) => !mine.get(arn)?.ids.includes(id)).map(([arn]) => arn)
  const ours = [...mine].map(([functionArn, known]) => ({ ...known, functionArn }))
  return {
    here: ours
      .map(({ functionArn }) => functionArn)
      .filter((arn) => arns.has(arn) && !elsewhere.includes(arn)),
    elsewhere,
    gone: ours.filter(({ functionArn }) => !arns.has(functionArn)),
  }
}
