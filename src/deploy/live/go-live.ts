import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import { takeBack } from '../restore/restore.js'
import { writeSnapshot } from '../snapshot/kept.js'
import type { LiveMode } from '../snapshot/snapshot.js'
import { type Account, awsFailure, loadIam, withAccount } from './account.js'
import { type LiveJob, makeLive } from './change.js'
import { downloadCode } from './function.js'
import { publishLayer } from './layer.js'
import { type CompleteLiveOptions, completeLiveOptions, type LiveOptions } from './options.js'
import { forEach, valuesOf } from './parallel.js'
import { type Survey, survey } from './plan.js'
import { ensurePolicy, type RolePolicy } from './policy.js'
import type { Prepared, Ready } from './prepare.js'
import { LIVE_UNTIL_VARIABLE } from './target.js'

/** The result of `goLive()`. */
export interface LiveReport {
  readonly functions: readonly LiveFunctionReport[]
  /** The policies that the roles need; added unless `policy` is `print`. */
  readonly policies: readonly RolePolicy[]
}

/** The result for one function. */
export interface LiveFunctionReport {
  readonly functionName: string
  readonly mode: LiveMode
  /**
   * `unchanged`: it was already live with these settings. `refused` and `failed`: it is as before; only with
   * `onRefused: 'skip'`.
   */
  readonly outcome: 'live' | 'unchanged' | 'refused' | 'failed'
  /** Reasons for `refused` or `failed`. */
  readonly reasons: readonly string[]
  readonly warnings: readonly string[]
  /** End of being live; Unix milliseconds. */
  readonly liveUntil?: number
}

/**
 * Puts the stub on functions, until `restore()`. Reads and checks all functions first, and changes nothing if one
 * cannot go live. If one fails later, takes back all changes of this call (with `onRefused: 'skip'`, only the changes
 * to that function). Takes a snapshot of each function before changing it, stops if another caller changes the
 * function, waits for each update and verifies the result. Call it at each start: live functions get the present
 * settings, and an interrupted run is completed.
 *
 * Needs `@aws-sdk/client-lambda`, and `@aws-sdk/client-iam` unless `policy` is `print`.
 * @throws TetherError `UNSUPPORTED` if a function cannot go live: `details.refusals` has the reasons by function name.
 * `DEPLOY_FAILED` if Lambda or IAM fails, or another caller changes a function meanwhile; `INVALID_OPTION`,
 * `MISSING_DEPENDENCY`, `STORE_FAILED`, `ABORTED`
 */
export async function goLive(options: LiveOptions): Promise<LiveReport> {
  const complete = completeLiveOptions('goLive', options)
  if (complete.policy === 'manage' && complete.bundle !== 'mqtt') await loadIam()
  return withAccount(complete, (account) => makeAllLive(account, complete))
}

async function makeAllLive(account: Account, complete: CompleteLiveOptions): Promise<LiveReport> {
  const found = await survey(account, complete)
  const refused = found.prepared.filter(({ refusals }) => refusals.length > 0)
  if (refused.length > 0 && complete.onRefused === 'fail') throw refusal(refused)
  const going = found.prepared.filter(isGoing)
  const functions = going.length === 0 ? [] : await changeAll(account, going, found, complete)
  const reports = new Map([...functions, ...refused.map(refusedReport)].map((one) => [one.functionName, one]))
  return {
    functions: found.prepared.map((one) => reports.get(nameOf(one))!),
    policies: found.policies,
  }
}

type Going = Prepared & { readonly ready: Ready }

async function changeAll(
  account: Account,
  going: readonly Going[],
  { policies, layer, layerArn, stubZip }: Survey,
  options: CompleteLiveOptions,
): Promise<LiveFunctionReport[]> {
  const { signal } = options
  const managed = options.policy === 'manage' ? policies : []
  try {
    valuesOf(
      await forEach(going, async ({ ready: { found, snapshot, live, kept, settings } }) => {
        if (kept) return
        const needsCode = settings.mode === 'replace' && !live
        await writeSnapshot(options, snapshot, needsCode ? await downloadCode(found, signal) : undefined)
      }),
    )
    const arn = layer && (layerArn ?? (await publishLayer(account, layer, signal)))
    for (const policy of managed) await ensurePolicy(account, policy, signal)
    const tools = {
      ...options,
      account,
      publishLayer: () => (layer === undefined ? Promise.resolve('') : publishLayer(account, layer, signal)),
    }
    const results = await forEach(going, ({ ready }) => makeLive(job(ready, arn, stubZip), tools))
    // A concurrent restore may have removed a policy as unused.
    for (const policy of managed) await ensurePolicy(account, policy, signal)
    const failed = going.filter((_, at) => results[at]?.status === 'rejected')
    if (failed.length > 0 && options.onRefused === 'fail') valuesOf(results)
    if (failed.length > 0)
      await takeBack(
        account,
        options,
        failed.map(({ ready }) => ready),
      )
    return going.map((one, at) => report(one, results[at]!))
  } catch (cause) {
    throw await takenBack(account, options, going, cause)
  }
}

/** Takes back the changes of a failed call, and returns the error to throw. */
async function takenBack(
  account: Account,
  options: CompleteLiveOptions,
  going: readonly Going[],
  cause: unknown,
): Promise<TetherError> {
  const error = awsFailure('Going live', cause, options.signal)
  try {
    await takeBack(
      account,
      options,
      going.map(({ ready }) => ready),
    )
    return error
  } catch (second) {
    const text = `${error.message} Taking it back failed as well: ${(second as Error).message} Call restore().`
    return new TetherError('DEPLOY_FAILED', text, { cause, details: { ...error.details, takenBack: false } })
  }
}

function job(
  { found, settings, snapshot, live }: Ready,
  layerArn: string | undefined,
  stubZip: Uint8Array,
): LiveJob {
  const { functionName, codeKmsKeyArn } = found
  const withLayer = settings.mode === 'wrap' && layerArn !== undefined ? { ...settings, layerArn } : settings
  return { functionName, settings: withLayer, snapshot, live, stubZip, codeKmsKeyArn }
}

function report(one: Going, result: PromiseSettledResult<boolean>): LiveFunctionReport {
  const { mode, warnings, ready } = one
  const base = { functionName: nameOf(one), mode, warnings }
  if (result.status === 'rejected') {
    return { ...base, outcome: 'failed', reasons: [printable((result.reason as Error).message)] }
  }
  const liveUntil = Number(ready.settings.variables[LIVE_UNTIL_VARIABLE])
  return { ...base, outcome: result.value ? 'live' : 'unchanged', reasons: [], liveUntil }
}

function refusedReport(one: Prepared): LiveFunctionReport {
  const { mode, warnings, refusals } = one
  return { functionName: nameOf(one), mode, outcome: 'refused', reasons: refusals, warnings }
}

function refusal(refused: readonly Prepared[]): TetherError {
  const lines = refused.flatMap((one) => one.refusals.map((reason) => `${nameOf(one)}: ${reason}`))
  const text = `Nothing was changed, as ${refused.length === 1 ? 'one function' : `${refused.length} functions`} cannot go live.`
  return new TetherError('UNSUPPORTED', [text, ...lines].join('\n'), {
    details: { refusals: Object.fromEntries(refused.map((one) => [nameOf(one), one.refusals])) },
  })
}

function nameOf({ spec, ready }: Prepared): string {
  return ready?.found.functionName ?? spec.name
}

function isGoing(one: Prepared): one is Going {
  return one.refusals.length === 0 && one.ready !== undefined
}
