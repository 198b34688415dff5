import { checkOptions, required } from '../../core/base/options.js'
import { checkPart } from '../../core/contracts/transport.js'
import { type Account, awsFailure, listFunctions, withAccount } from '../live/account.js'
import { bareName, type LiveCommonOptions, liveChecks } from '../live/options.js'
import { SNAPSHOT_VARIABLE, VARIABLE_PREFIX } from '../live/target.js'
import { deleteSnapshot, type KnownSnapshots, readSnapshots, snapshotFunctions } from '../snapshot/kept.js'
import { functionAddress } from '../snapshot/snapshot.js'
import { idsIn, isIn, type RestoreTools } from './function.js'
import { clearLeftovers, leftoversOf } from './leftovers.js'
import { type RestoreReport, restoreEach, toolsOf } from './restore.js'

/** Options of {@link restoreAll}. */
export interface RestoreAllOptions extends LiveCommonOptions {
  /** The scope of the call: functions of other applications and stages are left alone. */
  readonly app: string
  readonly stage: string
}

/**
 * Restores every live function of an application and stage, for example after a host crashed. Finds functions by their
 * snapshots and by their variables.
 * @throws TetherError the errors of {@link restore}
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
  const scope = { app: options.app, stage: options.stage }
  const tools = { ...toolsOf(account, options), scope }
  const { here, elsewhere, gone } = await findLive(tools)
  const restored = await restoreEach(here, tools)
  // Only a snapshot names the role of a deleted function, so without a key no role is touched.
  const isAuthentic = tools.roots.length > 0
  const leftovers = gone.map(({ usable }) =>
    leftoversOf(
      usable.filter((one) => isIn(scope, one)),
      () => isAuthentic,
    ),
  )
  await clearLeftovers(account, leftovers, tools.signal)
  for (const known of gone) {
    const { functionArn } = known
    for (const id of idsIn({ scope }, known)) await deleteSnapshot(tools, { functionArn, id })
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
  /** ARNs of functions that are live by a snapshot elsewhere. */
  readonly elsewhere: readonly string[]
  /** Snapshots in this store of functions that were deleted. */
  readonly gone: readonly (KnownSnapshots & { readonly functionArn: string })[]
}

async function findLive(tools: RestoreTools & Required<Pick<RestoreTools, 'scope'>>): Promise<LiveFunctions> {
  const { account, scope, signal } = tools
  const functions = await listFunctions(account, signal).catch((error: unknown) => {
    throw awsFailure('Listing the functions', error, signal)
  })
  const arns = new Set(functions.map(({ FunctionArn = '' }) => FunctionArn))
  const live = new Map<string, string>()
  const others = new Set<string>()
  for (const { FunctionArn = '', Environment } of functions) {
    const of = (name: string) => Environment?.Variables?.[VARIABLE_PREFIX + name]
    const id = Environment?.Variables?.[SNAPSHOT_VARIABLE]
    if (id === undefined) continue
    if (of('APP') === scope.app && of('STAGE') === scope.stage) live.set(FunctionArn, id)
    else others.add(FunctionArn)
  }
  const [some] = arns
  const mine = new Map<string, KnownSnapshots>()
  if (some !== undefined) {
    const { partition, region, accountId } = functionAddress(some)
    for (const address of await snapshotFunctions(tools)) {
      if (address.region !== region || address.accountId !== accountId) continue
      const functionArn = `arn:${partition}:lambda:${region}:${accountId}:function:${address.functionName}`
      if (others.has(functionArn)) continue
      const known = await readSnapshots(tools, functionArn)
      // An unusable snapshot proves nothing. A function that is live by it does, and restoring that function reports
      // the fault.
      const isMine = known.usable.some((one) => isIn(scope, one))
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
