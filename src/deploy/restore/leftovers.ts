import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import { type Account, awsFailure, listFunctions } from '../live/account.js'
import { deleteUnusedLayers } from '../live/layer.js'
import { layerPrefixOf, policyNameOf } from '../live/options.js'
import { removePolicy } from '../live/policy.js'
import { SNAPSHOT_VARIABLE, VARIABLE_PREFIX } from '../live/target.js'
import type { Snapshot } from '../snapshot/snapshot.js'

/**
 * Removes the policies and layers of functions that are restored, as far as no function that is live needs them.
 * @throws TetherError `DEPLOY_FAILED`, `MISSING_DEPENDENCY`, `ABORTED`
 */
export async function clearLeftovers(
  account: Account,
  snapshots: readonly Snapshot[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const policies = new Map(
    snapshots
      .flatMap(({ policies }) => policies)
      .map((policy) => [`${policy.roleName}/${policy.policyName}`, policy] as const),
  )
  const prefixes = new Set(snapshots.filter(({ mode }) => mode === 'wrap').map(layerPrefixOf))
  if (policies.size === 0 && prefixes.size === 0) return
  const functions = await listFunctions(account, signal).catch((error: unknown) => {
    throw awsFailure('Listing the functions', error, signal)
  })
  const needed = new Set(functions.map(neededPolicy))
  for (const [name, policy] of policies) {
    if (!needed.has(name)) await removePolicy(account, policy, signal)
  }
  const used = new Set(functions.flatMap(({ Layers = [] }) => Layers.map(({ Arn = '' }) => Arn)))
  for (const prefix of prefixes) await deleteUnusedLayers(account, prefix, used, signal)
}

/** The policy of a function that is live, as role and name. */
function neededPolicy({ Role = '', Environment }: FunctionConfiguration): string | undefined {
  const variables = Environment?.Variables ?? {}
  const of = (name: string) => variables[VARIABLE_PREFIX + name]
  const [app, stage, session] = [of('APP'), of('STAGE'), of('SESSION')]
  if (variables[SNAPSHOT_VARIABLE] === undefined || app === undefined || stage === undefined) return undefined
  const name = policyNameOf({ app, stage, ...(session !== undefined && { session }) })
  return `${Role.split('/').at(-1)}/${name}`
}
