// An execution environment in its own process, so that it can really be frozen: takes invocations over IPC.
const { handler } = require(process.argv[2])

process.on('message', async ({ event, requestId, remainingMs }) => {
  const deadline = Date.now() + remainingMs
  const context = {
    awsRequestId: requestId,
    functionName: 'api',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:api',
    memoryLimitInMB: '128',
    logGroupName: '/aws/lambda/api',
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
  try {
    process.send({ result: await handler(event, context) })
  } catch (error) {
    process.send({ error: `${error.name}: ${error.message}` })
  }
})
process.send('ready')
