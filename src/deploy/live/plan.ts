import { partitionOf } from '../../aws/endpoints.js'
import { defined } from '../../core/base/defined.js'
import { DEFAULT_SESSION, layerPrefixOf } from '../names.js'
import { stubZip } from '../zip/stub.js'
import { type Account, withAccount } from './account.js'
import { difference } from './function.js'
import { findLayer, type Layer, layerOf } from './layer.js'
import { type CompleteLiveOptions, completeLiveOptions, type LiveOptions } from './options.js'
import { forEach, valuesOf } from './parallel.js'
import { type FunctionPlan, type LivePlan, planChanges, planText } from './plan-text.js'
import type { RolePolicy } from './policy.js'
import { type Prepared, prepare } from './prepare.js'

/**
 * Reads and checks functions, and tells what `goLive()` would change. Changes nothing.
 * @throws TetherError `INVALID_OPTION`, `MISSING_DEPENDENCY`, `DEPLOY_FAILED`, `STORE_FAILED`, `ABORTED`
 */
export async function plan(options: LiveOptions): Promise<LivePlan> {
  const complete = completeLiveOptions('plan', options)
  const found = await withAccount(complete, (account) => survey(account, complete))
  const { prepared, policies, layer, layerArn, stubZip } = found
  const functions = prepared.map((one) => functionPlan(one, stubZip))
  const facts = {
    functions,
    policies,
    sessions: complete.stub.team ?? [complete.stub.session ?? DEFAULT_SESSION],
    ...(layer !== undefined && {
      layer: { name: layer.name, bytes: layer.zip.length, present: layerArn !== undefined },
    }),
  }
  return { ...facts, toString: () => planText(facts) }
}

/** Everything that is known before anything is changed. */
export interface Survey {
  readonly prepared: readonly Prepared[]
  /** One for each role of functions that can go live. */
  readonly policies: readonly RolePolicy[]
  /** Where a function is wrapped. */
  readonly layer?: Layer
  /** Its version, where it is published. */
  readonly layerArn?: string
  readonly stubZip: Uint8Array
}

/** Reads and checks everything. @throws as {@link plan} */
export async function survey(account: Account, options: CompleteLiveOptions): Promise<Survey> {
  const layer = layerOf(layerPrefixOf(options.stub), options.bundle)
  const published = await findLayer(account, layer, options.signal)
  const shared = {
    options,
    stubZip: stubZip(options.bundle),
    // Its place among a function's layers is what counts before it has a version.
    layerArn: published ?? `arn:${partitionOf(account.region)}:lambda:::layer:${layer.name}:new`,
  }
  const prepared = valuesOf(await forEach(options.specs, (spec) => prepare(account, spec, shared)))
  const going = prepared.filter(({ refusals }) => refusals.length === 0)
  const policies = new Map<string, RolePolicy>()
  for (const { ready } of going) {
    if (ready?.policy !== undefined) policies.set(ready.policy.roleName, ready.policy)
  }
  const wraps = going.some(({ mode }) => mode === 'wrap')
  return {
    prepared,
    policies: [...policies.values()],
    stubZip: shared.stubZip,
    ...(wraps && defined({ layer, layerArn: published })),
  }
}

function functionPlan(
  { spec, mode, refusals, warnings, ready }: Prepared,
  stubZip: Uint8Array,
): FunctionPlan {
  const functionName = ready?.found.functionName ?? spec.name
  const base = { functionName, mode, refusals, warnings }
  if (ready === undefined || refusals.length > 0) return { ...base, action: 'refuse', changes: [] }
  const { found, wanted, live } = ready
  const changes = planChanges(found.facts, difference(found.facts, wanted) ?? {}, mode, stubZip)
  return { ...base, action: live ? (changes.length === 0 ? 'none' : 'update') : 'go-live', changes }
}
