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
 * Reads and checks functions, and reports the changes that `goLive()` would make. Changes nothing.
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

/** Everything known before the first change. */
export interface Survey {
  readonly prepared: readonly Prepared[]
  /** One for each role of the functions that can go live. */
  readonly policies: readonly RolePolicy[]
  /** Present if a function is wrapped. */
  readonly layer?: Layer
  /** ARN of its version, if published. */
  readonly layerArn?: string
  readonly stubZip: Uint8Array
}

/** Reads and checks everything. @throws the errors of {@link plan} */
export async function survey(account: Account, options: CompleteLiveOptions): Promise<Survey> {
  const layer = layerOf(layerPrefixOf(options.stub), options.bundle)
  const published = await findLayer(account, layer, options.signal)
  const shared = {
    options,
    stubZip: stubZip(options.bundle),
    // Before publication, only its position among a function's layers matters.
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
