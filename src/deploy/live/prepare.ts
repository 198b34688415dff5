import { defined } from '../../core/base/defined.js'
import { delay } from '../../core/base/delay.js'
import { printable } from '../../core/base/printable.js'
import { stubEnvironment } from '../../stub/configuration.js'
import { layerPrefixOf, policySession } from '../names.js'
import { readSnapshot, readSnapshots } from '../snapshot/kept.js'
import { codeHash, type LiveMode, type Snapshot } from '../snapshot/snapshot.js'
import { type Account, abortable, awsFailure, everyPage } from './account.js'
import { REREAD_PAUSE_MS } from './change.js'
import {
  type Configuration,
  type FunctionDetails,
  findFunction,
  isSame,
  settledFunction,
  updateWaitOf,
} from './function.js'
import type { CompleteLiveOptions, LiveFunction } from './options.js'
import { refusals, warnings } from './plan-checks.js'
import { type RolePolicy, rolePolicy } from './policy.js'
import { currentKeyId, merged, newSnapshot } from './snapshot.js'
import { SNAPSHOT_TAG, taggedSnapshot } from './tag.js'
import {
  isKnownCode,
  isTouched,
  LIVE_UNTIL_VARIABLE,
  type LiveSettings,
  liveConfiguration,
  nodeRelease,
  raisedTimeouts,
  SNAPSHOT_VARIABLE,
  VARIABLE_PREFIX,
} from './target.js'
import { urlStreams } from './url.js'

/** A function after reading and checking it. */
export interface Prepared {
  readonly spec: LiveFunction
  readonly mode: LiveMode
  readonly refusals: readonly string[]
  readonly warnings: readonly string[]
  /** Undefined if the function does not exist. */
  readonly ready?: Ready
}

/** Everything needed to make a function live. */
export interface Ready {
  readonly found: FunctionDetails
  readonly settings: LiveSettings
  readonly snapshot: Snapshot
  /** Whether it was already live, under this snapshot. */
  readonly live: boolean
  /** Whether the store already has exactly this snapshot. */
  readonly kept: boolean
  readonly wanted: Configuration
  readonly policy?: RolePolicy
}

/** Shared by all functions of one call. */
export interface Preparation {
  readonly options: CompleteLiveOptions
  /** The stub's zip, for `replace`. */
  readonly stubZip: Uint8Array
  /** ARN of the layer's version, or a placeholder until it is published. */
  readonly layerArn: string
}

/** Reads and checks a function. Changes nothing. @throws TetherError `DEPLOY_FAILED`, `STORE_FAILED`, `ABORTED` */
export async function prepare(account: Account, spec: LiveFunction, shared: Preparation): Promise<Prepared> {
  const { options } = shared
  const found = await findFunction(account, spec.name, options.signal)
  if (found === undefined) {
    const mode = spec.mode ?? options.mode ?? 'wrap'
    const region = account.region
    return { spec, mode, refusals: [`there is no function of this name in ${region}.`], warnings: [] }
  }
  const read = (one: FunctionDetails) =>
    isBusy(one) && hasMark(one) ? settled(account, spec, shared) : Promise.resolve(one)
  const { prepared, doubtful } = await prepareFound(account, await read(found), spec, shared)
  if (!doubtful) return prepared
  // Lambda's reads are eventually consistent: the function may have been restored, or have gone live, a moment ago.
  await delay(REREAD_PAUSE_MS, options)
  const again = await findFunction(account, spec.name, options.signal)
  if (again === undefined) return prepared
  return (await prepareFound(account, await read(again), spec, shared)).prepared
}

async function prepareFound(
  account: Account,
  found: FunctionDetails,
  spec: LiveFunction,
  { options, stubZip, layerArn }: Preparation,
): Promise<{ readonly prepared: Prepared; readonly doubtful: boolean }> {
  const { facts } = found
  const fits = nodeRelease(facts.runtime) !== undefined
  const known = await knownSnapshot(found, options)
  const mode = spec.mode ?? options.mode ?? known.snapshot?.mode ?? (fits ? 'wrap' : 'replace')
  const streams = spec.streaming ?? (mode === 'replace' && (await urlStreams(account, found, options.signal)))
  const settings: LiveSettings = {
    mode,
    variables: variablesOf(found, spec, mode, streams === true, options),
    layerPrefix: layerPrefixOf(options.stub),
    ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
    ...(mode === 'wrap' && { layerArn }),
  }
  const live = known.snapshot !== undefined
  const policy = rolePolicy(options, found)
  const session = policySession(options.stub)
  const base = known.snapshot ?? newSnapshot(found, mode, options)
  const snapshot = merged(base, {
    timeoutSeconds: raisedTimeouts(facts, base, settings),
    codeSha256: mode === 'replace' ? [codeHash(stubZip)] : [],
    policies:
      policy !== undefined && options.policy === 'manage' ? [{ roleName: policy.roleName, session }] : [],
    keyId: currentKeyId(options),
  })
  const wanted = liveConfiguration(facts, snapshot, settings)
  const context = { mode, options, wanted, ours: live, now: options.clock.now(), streams }
  // These reasons may be outdated: goLive() or restore() may have changed the function after the state that Lambda
  // returned.
  const reasons = [...known.refusals]
  if (base.mode !== mode) {
    reasons.push(`it is live already by '${base.mode}', not '${mode}'. Restore it first.`)
  }
  if (base.app !== options.stub.app || base.stage !== options.stub.stage) {
    reasons.push(`it is live already for ${base.app}, stage ${base.stage}. Restore it first.`)
  }
  if (live && mode === 'replace' && !isKnownCode(facts, snapshot)) {
    reasons.push('somebody changed its code while it was live. Restore it first, which keeps that code.')
  }
  if (!live && facts.codeSha256 === codeHash(stubZip)) {
    reasons.push('its code is a stub, which is no original to come back to. Deploy its own code first.')
  }
  const doubtful = reasons.length > 0
  reasons.push(...refusals(found, context))
  const aliases = reasons.length === 0 ? await aliasesOf(account, found, options.signal) : []
  const prepared = {
    spec,
    mode,
    refusals: reasons.map((reason) => printable(reason)),
    warnings:
      reasons.length === 0 ? [...warnings(found, aliases, context), ...policyWarning(policy, options)] : [],
    ready: defined({ found, settings, snapshot, live, kept: isSame(base, snapshot) && live, wanted, policy }),
  }
  return { prepared, doubtful }
}

/** Returns the snapshot of a live function, or the reasons not to touch the function. */
async function knownSnapshot(
  found: FunctionDetails,
  options: CompleteLiveOptions,
): Promise<{ snapshot?: Snapshot; refusals: string[] }> {
  const { facts, functionArn, tags } = found
  const id = facts.environment[SNAPSHOT_VARIABLE]
  if (id !== undefined) {
    const snapshot = await readSnapshot(options, functionArn, id)
    if (snapshot !== undefined) return { snapshot, refusals: [] }
    const where = tags[SNAPSHOT_TAG] ?? 'another place'
    const reason = `it is live already, and its snapshot ${id} is not in ${options.snapshots.location} (its tag says: ${where}). Restore it from there.`
    return { refusals: [reason] }
  }
  if (Object.keys(facts.environment).some((name) => name.startsWith(VARIABLE_PREFIX))) {
    return {
      refusals: [
        `it has variables that begin with ${VARIABLE_PREFIX}: its stub was deployed in another way.`,
      ],
    }
  }
  const { usable, unusable } = await readSnapshots(options, functionArn)
  const problem = unusable.get(taggedSnapshot(tags) ?? '')
  if (problem !== undefined) throw problem
  if (usable.some((left) => isTouched(facts, left, layerPrefixOf(options.stub)))) {
    return {
      refusals: ['somebody changed it while it was live, and part of the stub is left. Restore it first.'],
    }
  }
  return { refusals: [] }
}

function variablesOf(
  { facts, functionName }: FunctionDetails,
  { functionId = functionName }: LiveFunction,
  mode: LiveMode,
  streaming: boolean,
  { stub, mirror, mirrorMaxBytes, liveForMs, clock }: CompleteLiveOptions,
): Record<string, string> {
  const mirrors = mirror && mode === 'wrap'
  return stubEnvironment({
    ...stub,
    functionId,
    liveUntil: liveUntil(facts.environment, liveForMs, clock.now()),
    ...(streaming && { streaming }),
    ...(mirrors && defined({ mode: 'mirror', mirrorMaxBytes })),
  })
}

function policyWarning(policy: RolePolicy | undefined, { bundle, stub }: CompleteLiveOptions): string[] {
  if (bundle !== 'api-gateway' || policy !== undefined) return []
  return [
    `${stub.endpoint} does not tell which API it is: give its role what apiGatewayPolicy() returns yourself.`,
  ]
}

// Keeps the present end while at least half of the time is left, so that going live again needs no update.
function liveUntil(environment: Readonly<Record<string, string>>, liveForMs: number, now: number): number {
  const present = Number(environment[LIVE_UNTIL_VARIABLE])
  const keeps = present - now >= liveForMs / 2 && present - now <= liveForMs
  return keeps ? present : now + liveForMs
}

async function aliasesOf(
  { lambda, commands }: Account,
  { functionName }: FunctionDetails,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  try {
    const aliases = await everyPage(async (marker) => {
      const command = new commands.ListAliasesCommand(defined({ FunctionName: functionName, Marker: marker }))
      const { Aliases, NextMarker } = await lambda.send(command, abortable(signal))
      return { items: Aliases, next: NextMarker }
    })
    return aliases.filter(({ FunctionVersion }) => FunctionVersion !== '$LATEST').map(({ Name = '' }) => Name)
  } catch (error) {
    throw awsFailure(`Listing the aliases of ${functionName}`, error, signal)
  }
}

function isBusy({ given }: FunctionDetails): boolean {
  return given.State === 'Pending' || given.LastUpdateStatus === 'InProgress'
}

/** Whether it is live, or an interrupted run was about to make it live. Then an update in progress is ours. */
function hasMark(found: FunctionDetails): boolean {
  return found.facts.environment[SNAPSHOT_VARIABLE] !== undefined || taggedSnapshot(found.tags) !== undefined
}

async function settled(
  account: Account,
  { name }: LiveFunction,
  { options }: Preparation,
): Promise<FunctionDetails> {
  await settledFunction(account, name, updateWaitOf(options))
  const found = await findFunction(account, name, options.signal)
  if (found === undefined)
    throw awsFailure(`Reading function ${name}`, new Error('it was deleted'), undefined)
  return found
}
