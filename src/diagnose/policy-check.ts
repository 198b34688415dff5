import type { Finding } from '../core/contracts/diagnosis.js'
import { abortable, isAwsError } from '../deploy/live/account.js'
import { hasPolicy, type RolePolicy, rolePolicy } from '../deploy/live/policy.js'
import { VARIABLE_PREFIX } from '../deploy/live/target.js'
import { DEFAULT_SESSION } from '../deploy/names.js'
import type { FoundFunction } from './found-function.js'

const DENIED = ['AccessDenied', 'AccessDeniedException'] as const

/**
 * Checks that the function's role has the rights of its stub: by the policy that goLive() adds, else by IAM's
 * simulation.
 */
export async function policyFinding(one: FoundFunction, signal: AbortSignal): Promise<Finding> {
  const { found, bundle, session, url, account } = one
  if (bundle === undefined || bundle === 'mqtt')
    return { outcome: 'ok', seen: `${one.transport} asks for no rights of the function's role.` }
  const { name, app, stage } = session
  const team = teamOf(found.facts.environment)
  const stub = { app, stage, team, session: name === DEFAULT_SESSION ? undefined : name, endpoint: url }
  const policy = rolePolicy({ bundle, stub }, found)
  if (policy === undefined) {
    const seen = 'The endpoint is a domain of its own, which does not tell whose rights are needed.'
    return { outcome: 'unknown', seen, advice: 'Give the role what apiGatewayPolicy() returns.' }
  }
  const { roleName, policyName } = policy
  const isThere = await hasPolicy(account, policy, signal).catch((error: unknown) => {
    if (isAwsError(error, ...DENIED)) return false
    throw error
  })
  if (isThere)
    return { outcome: 'ok', seen: `Role ${roleName} has ${policyName}, which is what the stub needs.` }
  return simulated(one, policy, signal)
}

/** Returns the team of a function's stub, if its variables name one. */
function teamOf(environment: Readonly<Record<string, string>>): readonly string[] | undefined {
  const names = environment[`${VARIABLE_PREFIX}SESSION`]?.split(',') ?? []
  return names.length > 1 ? names : undefined
}

async function simulated(
  { account, found, bundle }: FoundFunction,
  { roleName, policyName, document }: RolePolicy,
  signal: AbortSignal,
): Promise<Finding> {
  const { client, commands } = await account.iam()
  const advice = `Run goLive(), or attach what ${bundle === 'iot' ? "iotPolicy({ …, role: 'stub' })" : 'apiGatewayPolicy()'} returns to role ${roleName}. It takes minutes to hold.`
  const refused: string[] = []
  try {
    for (const { Action, Resource } of document.Statement) {
      const command = new commands.SimulatePrincipalPolicyCommand({
        PolicySourceArn: found.given.Role,
        ActionNames: [Action],
        // An example that the pattern matches.
        ResourceArns: [Resource.replace(/\*$/, 'x')],
      })
      const { EvaluationResults = [] } = await client.send(command, abortable(signal))
      if (EvaluationResults.some(({ EvalDecision }) => EvalDecision !== 'allowed'))
        refused.push(`${Action} on ${Resource}`)
    }
  } catch (error) {
    if (signal.aborted) throw error
    const seen = `Role ${roleName} has not ${policyName} as it should be, and whether other policies do cannot be asked: ${(error as Error).name}.`
    return { outcome: 'unknown', seen, advice }
  }
  if (refused.length === 0) return { outcome: 'ok', seen: `IAM allows role ${roleName} what the stub does.` }
  return { outcome: 'failed', seen: `Role ${roleName} is not allowed ${refused.join('; ')}.`, advice }
}
