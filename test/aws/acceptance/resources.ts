import { CreateRoleCommand, type IAMClient } from '@aws-sdk/client-iam'
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  type LambdaClient,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import type { CreateBucketConfiguration } from '@aws-sdk/client-s3'
import { type AccountUnderTest, rolePath } from './account.js'

/** The application of a run's session and stubs; its stage. */
export const STAGE = 'accept'

/** The names of all that a run creates; who knows the run knows them. */
export function namesOf(run: string) {
  return {
    /** Of the functions that go live. */
    role: run,
    /** Of a function whose role gets no right to AWS IoT. */
    powerlessRole: `${run}-powerless`,
    wrapped: `${run}-wrapped`,
    replaced: `${run}-replaced`,
    powerless: `${run}-powerless`,
    bucket: run,
    /** A role, a function, a layer and a bucket whose answers are recorded. */
    answers: `${run}-answers`,
  }
}

/** Creates a role that functions run with. Without a right to write logs, so that no log group is left behind. */
export async function createRole(iam: IAMClient, RoleName: string): Promise<string> {
  const Path = rolePath(await iam.config.region())
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName, Path, AssumeRolePolicyDocument: TRUST_LAMBDA }),
  )
  return Role?.Arn ?? ''
}

/** The trust of a role that functions run with. */
export const TRUST_LAMBDA = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
})

/** What CreateBucket wants in every region but us-east-1. */
export function bucketLocation(region: string): { CreateBucketConfiguration?: CreateBucketConfiguration } {
  if (region === 'us-east-1') return {}
  return {
    CreateBucketConfiguration: {
      LocationConstraint: region as CreateBucketConfiguration['LocationConstraint'],
    },
  }
}

/** Creates a function. A new role is not at once one that Lambda may assume, so it is tried for a minute. */
export async function createFunction(
  { lambda, account }: { readonly lambda: LambdaClient; readonly account: AccountUnderTest },
  input: CreateFunctionCommandInput,
): Promise<void> {
  const until = Date.now() + (account.kind === 'aws' ? 60_000 : 0)
  for (;;) {
    try {
      await lambda.send(new CreateFunctionCommand(input))
      return
    } catch (error) {
      const early = (error as Error).name === 'InvalidParameterValueException' && Date.now() < until
      if (!early || !(error as Error).message.includes('cannot be assumed')) throw error
      await new Promise((resolve) => setTimeout(resolve, 2_000))
    }
  }
}

/** Waits until a function is active and no update of it is under way. */
export async function settled(client: LambdaClient, FunctionName: string): Promise<void> {
  const options = { client, maxWaitTime: 60, minDelay: 0.05, maxDelay: 1 }
  await waitUntilFunctionActiveV2(options, { FunctionName })
  await waitUntilFunctionUpdatedV2(options, { FunctionName })
}
