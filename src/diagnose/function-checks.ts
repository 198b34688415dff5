import type { Finding } from '../core/contracts/diagnosis.js'
import { type Account, type AccountOptions, isAwsError, withAccount } from '../deploy/live/account.js'
import { type FunctionDetails, findFunction } from '../deploy/live/function.js'
import { STUB_BUNDLES } from '../stub/bundle.js'
import { codeFinding } from './code-check.js'
import type { FoundFunction, FunctionToCheck } from './found-function.js'
import { policyFinding } from './policy-check.js'
import { type CheckRun, failedBy } from './run-checks.js'
import { variablesFinding } from './variables-check.js'

const RESTING = ['variables', 'code', 'policy', 'vpc'] as const

/** Checks whether a function has a stub that finds this session. Changes nothing. */
export async function functionChecks(
  run: CheckRun,
  options: AccountOptions,
  one: FunctionToCheck,
): Promise<void> {
  let isOpen = false
  try {
    await withAccount(options, async (account) => {
      isOpen = true
      const found = await checkFunction(run, one, account)
      const bundle = STUB_BUNDLES.find((name) => name === one.transport)
      if (found === undefined) skipAll(run)
      else await checkFound(run, { ...one, account, found, bundle })
    })
  } catch (error) {
    if (isOpen) throw error
    run.tell('function', failedBy(error))
    skipAll(run)
  }
}

async function checkFunction(
  run: CheckRun,
  { functionName }: FunctionToCheck,
  account: Account,
): Promise<FunctionDetails | undefined> {
  let found: FunctionDetails | undefined
  await run.make({
    id: 'function',
    run: async (signal) => {
      try {
        found = await findFunction(account, functionName, signal)
      } catch (error) {
        if (!isAwsError((error as Error).cause, 'AccessDeniedException')) throw error
        const advice = 'Allow yourself lambda:GetFunction on it.'
        return { outcome: 'unknown', seen: (error as Error).message, advice }
      }
      return stateFinding(functionName, found, account.region)
    },
  })
  return found
}

async function checkFound(run: CheckRun, one: FoundFunction): Promise<void> {
  await run.make({ id: 'variables', run: async () => variablesFinding(one) })
  await run.make({ id: 'code', run: (signal) => codeFinding(one, signal) })
  await run.make({ id: 'policy', run: (signal) => policyFinding(one, signal) })
  await run.make({ id: 'vpc', run: async () => vpcFinding(one) })
}

function skipAll(run: CheckRun): void {
  for (const id of RESTING) run.skip(id, 'function')
}

function stateFinding(name: string, found: FunctionDetails | undefined, region: string): Finding {
  if (found === undefined) {
    const advice = 'Check the name, the region and the account.'
    return { outcome: 'failed', seen: `There is no function ${name} in ${region}.`, advice }
  }
  const { facts, given, functionArn, reservedConcurrency } = found
  const { State = 'Active', LastUpdateStatus = 'Successful' } = given
  const seen = `${functionArn}, ${facts.runtime}, ${facts.handler}, ${facts.timeoutSeconds} s; ${State}, last update ${LastUpdateStatus}.`
  if (reservedConcurrency === 0)
    return { outcome: 'failed', seen, advice: 'Its reserved concurrency is 0: nobody can invoke it.' }
  const reason = given.StateReason ?? given.LastUpdateStatusReason ?? 'Lambda gives no reason'
  if (State === 'Failed' || LastUpdateStatus === 'Failed')
    return { outcome: 'failed', seen, advice: `Repair it: ${reason}` }
  const busy = State === 'Pending' || LastUpdateStatus === 'InProgress'
  return busy
    ? { outcome: 'warning', seen, advice: 'Wait until the update is finished.' }
    : { outcome: 'ok', seen }
}

function vpcFinding({ found, bundle }: FoundFunction): Finding {
  const { VpcId, SubnetIds = [], SecurityGroupIds = [] } = found.given.VpcConfig ?? {}
  if (!VpcId) return { outcome: 'ok', seen: 'It is in no VPC, so it reaches the internet.' }
  const way = {
    iot: " or, for AWS IoT, an 'iot.data' VPC endpoint with a private hosted zone for the endpoint's name",
    'api-gateway': "; an 'execute-api' VPC endpoint with private DNS would get in the way",
    mqtt: ', or a way to the broker within the VPC',
  }
  return {
    outcome: 'warning',
    seen: `It is in ${VpcId}, subnets ${SubnetIds.join(', ')}, security groups ${SecurityGroupIds.join(', ')}. Their routes were not read.`,
    advice: `It needs a way out to the broker: private subnets with a NAT gateway${bundle === undefined ? '' : way[bundle]}, and security groups that let it out.`,
  }
}
