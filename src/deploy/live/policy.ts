import { endpointRegion } from '../../aws/endpoints.js'
import { defined } from '../../core/base/defined.js'
import { policyNameOf, policySession } from '../names.js'
import { apiGatewayPolicy } from '../policies/api-gateway.js'
import { type IamPolicy, iotPolicy } from '../policies/iot.js'
import { type FunctionAddress, functionAddress } from '../snapshot/snapshot.js'
import { type Account, abortable, awsFailure, isAwsError } from './account.js'
import { isSame } from './function.js'
import type { CompleteLiveOptions } from './options.js'

/** An inline policy of a function's role. */
export interface RolePolicy {
  readonly roleName: string
  readonly policyName: string
  readonly document: IamPolicy
}

/** The settings that determine a stub's rights. */
type PolicyScope = Pick<CompleteLiveOptions['stub'], 'app' | 'stage' | 'session' | 'team' | 'endpoint'>

/**
 * Returns the policy that the stub needs on a function's role. Undefined for a broker without roles, and for an
 * endpoint that does not name its API.
 */
export function rolePolicy(
  { bundle, stub }: { readonly bundle: CompleteLiveOptions['bundle']; readonly stub: PolicyScope },
  { roleName, functionArn }: { readonly roleName: string; readonly functionArn: string },
): RolePolicy | undefined {
  const document = policyDocument(bundle, stub, functionAddress(functionArn))
  return (
    document && { roleName, policyName: policyNameOf({ ...stub, session: policySession(stub) }), document }
  )
}

/**
 * Adds a policy to its role, unless the role already has exactly this policy.
 * @throws TetherError `DEPLOY_FAILED`, `MISSING_DEPENDENCY`
 */
export async function ensurePolicy(
  account: Account,
  { roleName, policyName, document }: RolePolicy,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, commands } = await account.iam()
  try {
    if (await hasPolicy(account, { roleName, policyName, document }, signal)) return
    const command = new commands.PutRolePolicyCommand({
      RoleName: roleName,
      PolicyName: policyName,
      PolicyDocument: JSON.stringify(document),
    })
    await client.send(command, abortable(signal))
  } catch (error) {
    throw awsFailure(`Adding policy ${policyName} to role ${roleName}`, error, signal)
  }
}

/** Whether a role has exactly this policy. @throws the SDK's errors */
export async function hasPolicy(
  account: Account,
  { roleName, policyName, document }: RolePolicy,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { client, commands } = await account.iam()
  const command = new commands.GetRolePolicyCommand({ RoleName: roleName, PolicyName: policyName })
  const found = await client.send(command, abortable(signal)).catch((error: unknown) => {
    if (isAwsError(error, 'NoSuchEntityException', 'NoSuchEntity')) return undefined
    throw error
  })
  return found?.PolicyDocument !== undefined && isDocument(found.PolicyDocument, document)
}

/** Removes a policy. A missing policy or role is no error. @throws TetherError `DEPLOY_FAILED` */
export async function removePolicy(
  account: Account,
  { roleName, policyName }: Pick<RolePolicy, 'roleName' | 'policyName'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, commands } = await account.iam()
  try {
    const command = new commands.DeleteRolePolicyCommand({ RoleName: roleName, PolicyName: policyName })
    await client.send(command, abortable(signal))
  } catch (error) {
    if (isAwsError(error, 'NoSuchEntityException', 'NoSuchEntity')) return
    throw awsFailure(`Removing policy ${policyName} from role ${roleName}`, error, signal)
  }
}

function policyDocument(
  bundle: CompleteLiveOptions['bundle'],
  { app, stage, session, team, endpoint }: PolicyScope,
  { partition, region, accountId }: FunctionAddress,
): IamPolicy | undefined {
  if (bundle === 'mqtt') return undefined
  if (bundle === 'api-gateway') {
    const api = apiOf(endpoint ?? '')
    return api && apiGatewayPolicy({ ...api, partition, accountId })
  }
  const common = defined({ app, stage, session, team, role: 'stub' as const })
  return iotPolicy({ ...common, partition, region, accountId })
}

/** Returns the API of an endpoint; undefined for a custom domain, which does not name its API. */
function apiOf(endpoint: string) {
  const [, apiId, apiStage] = /^wss:\/\/([a-z0-9]+)\.[^/]+\/([\w-]+)\/?$/.exec(endpoint) ?? []
  const region = apiId && endpointRegion(endpoint, 'execute-api')
  return apiId && apiStage && region ? { apiId, region, apiStage } : undefined
}

// IAM returns documents percent-encoded.
function isDocument(found: string, document: IamPolicy): boolean {
  try {
    return isSame(JSON.parse(decodeURIComponent(found)), JSON.parse(JSON.stringify(document)))
  } catch {
    return false
  }
}
