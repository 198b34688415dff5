/**
 * Runs a handler in its own Node process, behind the Lambda Runtime API, like the managed Node runtime. Run, not
 * imported: its whole configuration is the environment that Lambda gives a runtime.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { toLambdaError } from '../../core/errors.js'
import type { InvocationContext } from '../../core/executor.js'
import type { Handler } from '../../core/function-source.js'
import { callHandler, type HandlerEnd, serialiseResponse } from './call-handler.js'
import { CrashReporter } from './crash-reporter.js'
import { EmptyLoop } from './empty-loop.js'
import { loadTaskHandler } from './load-task-handler.js'
import { RuntimeClient } from './runtime-client.js'
import { runtimeError } from './runtime-errors.js'

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const client = new RuntimeClient(env.AWS_LAMBDA_RUNTIME_API ?? '')
  const crashes = new CrashReporter(client, process)
  const emptyLoop = new EmptyLoop(process)
  let handler: Handler
  try {
    handler = await loadTaskHandler(env.LAMBDA_TASK_ROOT ?? process.cwd(), env._HANDLER ?? '')
    refuseCallback(handler)
  } catch (error) {
    return crashes.crash(error, 1)
  }
  for (;;) {
    crashes.idle()
    const { headers, body } = await client.next()
    const requestId = header(headers, 'lambda-runtime-aws-request-id') ?? ''
    crashes.busy(requestId)
    setTraceId(header(headers, 'lambda-runtime-trace-id'))
    await invoke(client, handler, requestId, headers, body, emptyLoop)
  }
}

async function invoke(
  client: RuntimeClient,
  handler: Handler,
  requestId: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  emptyLoop: EmptyLoop,
): Promise<void> {
  let response: Uint8Array
  try {
    const event: unknown = JSON.parse(body.toString('utf8'))
    const context = contextOf(requestId, headers)
    const deadline = Number(header(headers, 'lambda-runtime-deadline-ms'))
    const end = await new Promise<HandlerEnd>((resolve) => {
      emptyLoop.wait(callHandler({ handler, event, context, deadline, onEnd: resolve }))
    })
    if ('thrown' in end) throw end.thrown
    response = serialiseResponse(end.value)
  } catch (error) {
    return client.fail(requestId, toLambdaError(error))
  }
  return client.respond(requestId, response)
}

function contextOf(requestId: string, headers: IncomingHttpHeaders): InvocationContext {
  const clientContext = header(headers, 'lambda-runtime-client-context')
  const identity = header(headers, 'lambda-runtime-cognito-identity')
  const tenantId = header(headers, 'lambda-runtime-aws-tenant-id')
  const { env } = process
  return {
    awsRequestId: requestId,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME ?? '',
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION ?? '',
    invokedFunctionArn: header(headers, 'lambda-runtime-invoked-function-arn') ?? '',
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? '',
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME ?? '',
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME ?? '',
    ...(clientContext === undefined ? {} : { clientContext: JSON.parse(clientContext) as unknown }),
    ...(identity === undefined ? {} : { identity: JSON.parse(identity) as unknown }),
    ...(tenantId === undefined ? {} : { tenantId }),
  }
}

function setTraceId(traceId: string | undefined): void {
  if (traceId === undefined) delete process.env._X_AMZN_TRACE_ID
  else process.env._X_AMZN_TRACE_ID = traceId
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

// nodejs24.x refuses callbacks; up to nodejs22.x takes them.
function refuseCallback(handler: Handler): void {
  const major = Number.parseInt(process.versions.node, 10)
  if (major >= 24 && handler.length >= 3) {
    throw runtimeError(
      'CallbackHandlerDeprecated',
      `This handler declares ${handler.length} parameters; from Node.js 24 on Lambda takes at most 2 (no callback). ` +
        'Return a promise, or use Node.js 22.',
    )
  }
}

// Only a call to the Runtime API rejects here: its host is gone, and so is the reason to live.
main(process.env).catch(() => process.exit(1))
