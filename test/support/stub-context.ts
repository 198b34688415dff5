import type { LambdaContext } from '../../src/index.js'

/** The context of one invocation, as the Node runtime makes it. */
export function stubContext(
  overrides: Partial<LambdaContext> & { remainingMs?: number } = {},
): LambdaContext {
  const { remainingMs = 10_000, ...fields } = overrides
  return {
    awsRequestId: '11111111-2222-4333-8444-555555555555',
    functionName: 'app-dev-api',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:app-dev-api',
    memoryLimitInMB: '512',
    logGroupName: '/aws/lambda/app-dev-api',
    logStreamName: '2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => remainingMs,
    done() {},
    fail() {},
    succeed() {},
    ...fields,
  }
}
