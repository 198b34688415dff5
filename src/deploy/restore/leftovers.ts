import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import { defined } from '../../core/base/defined.js'
import { type Account, awsFailure, listFunctions } from '../live/account.js'
import { deleteUnusedLayers } from '../live/layer.js'
import { type RolePolicy, removePolicy } from '../live/policy.js'
import { SNAPSHOT_VARIABLE, VARIABLE_PREFIX } from '../live/target.js'
import { layerPrefixOf, policyNameOf, policySession } from '../names.js'
import type { Snapshot } from '../snapshot/snapshot.js'

/** Additions outside of functions, with names that this package generates. */
export interface Leftovers {
  readonly policies: readonly Pick<RolePolicy, 'roleName' | 'policyName'>[]
  readonly layerPrefixes: readonly string[]
}

/**
 * Returns the possible leftovers of one function's snapshots.
 * @param isOwnRole whether policies may be removed from a role
 */
export function leftoversOf(
  snapshots: readonly Snapshot[],
  isOwnRole: (roleName: string) => boolean,
): Leftovers {
  return {
    policies: snapshots.flatMap(({ app, stage, policies }) =>
      policies
        .filter(({ roleName }) => isOwnRole(roleName))
        .map(({ roleName, session }) => ({ roleName, policyName: policyNameOf({ app, stage, session }) })),
    ),
    layerPrefixes: snapshots.filter(({ mode }) => mode === 'wrap').map(layerPrefixOf),
  }
}

/**
 * Removes the policies and layers of restored functions, unless a live function needs them.
 * @throws TetherError `DEPLOY_FAILED`, `MISSING_DEPENDENCY`, `ABORTED`
 */
export async function clearLeftovers(
  account: Account,
  leftovers: readonly Leftovers[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const policies = new Map(
    leftovers.flatMap(({ policies }) => policies).map((policy) => [nameOf(policy), policy] as const),
  )
  const prefixes = new Set(leftovers.flatMap(({ layerPrefixes }) => layerPrefixes))
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

/** Returns the policy that a live function needs, as role and name. */
function neededPolicy({ Role = '', Environment }: FunctionConfiguration): string | undefined {
  const variables = Environment?.Variables ?? {}
  const of = (name: string) => variables[VARIABLE_PREFIX + name]
  const [app, stage, session] = [of('APP'), of('STAGE'), of('SESSION')]
  if (variables[SNAPSHOT_VARIABLE] === undefined || app === undefined || stage === undefined) return undefined
  const team = session?.split(',')
  const policyName = policyNameOf({ app, stage, session: policySession(defined({ team })) })
  return nameOf({ roleName: Role.split('/').at(-1) ?? '', policyName })
}

function nameOf({ roleName, policyName }: Leftovers['policies'][number]): string {
  return `${roleName}/${policyName}`
}
