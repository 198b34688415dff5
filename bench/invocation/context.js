/** A Lambda context for a stub's handler. @param deadline by `performance.now()` */
export function lambdaContext({ functionName, awsRequestId, deadline }) {
  return {
    awsRequestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${functionName}`,
    memoryLimitInMB: '128',
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()),
  }
}
