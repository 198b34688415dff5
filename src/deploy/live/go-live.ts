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

/** What `goLive()` did. */
export interface LiveReport {
  readonly functions: readonly LiveFunctionReport[]
  /** What the roles need; added unless `policy` is `print`. */
  readonly policies: readonly RolePolicy[]
}

/** What became of one function. */
export interface LiveFunctionReport {
  readonly functionName: string
  readonly mode: LiveMode
  /** `unchanged` was live as it should be; `refused` and `failed` are as they were, with `onRefused: 'skip'` only. */
  readonly outcome: 'live' | 'unchanged' | 'refused' | 'failed'
  /** Why it was refused or failed. */
  readonly reasons: readonly string[]
  readonly warnings: readonly string[]
  /** When it stops being live by itself; Unix milliseconds. */
  readonly liveUntil?: number
}

/**
 * Puts the stub on functions, until `restore()`. All of them are read and checked first, and nothing is touched when
 * one cannot go live; when one fails later, all that this call changed are taken back (with `onRefused: 'skip'` only
 * that one). Each is snapshot before it is changed, changed only as long as nobody else changes it, waited for and
 * compared. Call it again at each start: what is live gets the present settings, what an earlier run left half done
 * is finished.
 *
 * Needs `@aws-sdk/client-lambda`, and `@aws-sdk/client-iam` unless `policy` is `print`.
 * @throws TetherError `UNSUPPORTED` when a function cannot go live: `details.refusals` has the reasons by name.
 * `DEPLOY_FAILED` when Lambda or IAM fail or somebody else changes a function meanwhile; `INVALID_OPTION`,
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
    // Who went back meanwhile may have thought that nobody needs it any more.
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

/** The error of a call that took back what it had changed, or could not. */
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
