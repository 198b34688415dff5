/**
 * Runs a handler in a Node process behind the Lambda Runtime API, like the managed Node runtime. Run, not imported. An
 * executor starts it as described in bootstrap-protocol.ts; otherwise it is configured only by the environment that
 * Lambda gives a runtime.
 */
import { writeSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import type { Handler, InvocationContext } from '../../core/contracts/handler.js'
import { changesBetween, type EnvironmentChanges } from '../environment-changes.js'
import {
  BEGUN_FD,
  BOOTSTRAP_VARIABLE,
  type BootstrapCode,
  type BootstrapDetails,
  type BootstrapStart,
  CODE_PATH,
  type FunctionContext,
  START_PATH,
} from '../process/bootstrap-protocol.js'
import { callHandler, type HandlerEnd, serialiseResponse } from './call-handler.js'
import { CrashReporter } from './crash-reporter.js'
import { EmptyLoop } from './empty-loop.js'
import { loadDependencies, loadHandler } from './load-handler.js'
import { loadTaskHandler } from './load-task-handler.js'
import { quietRequire } from './quiet-require.js'
import { toSafeError } from './reported-errors.js'
import { RuntimeClient } from './runtime-client.js'
import { runtimeError } from './runtime-errors.js'
import { type Streaming, streamingOf } from './streaming/awslambda.js'
import { callStreamingHandler } from './streaming/call-streaming-handler.js'

async function main(api: string | undefined): Promise<void> {
  const { env } = process
  const client = new RuntimeClient(api ?? env.AWS_LAMBDA_RUNTIME_API ?? '')
  const crashes = new CrashReporter(client, process)
  const emptyLoop = new EmptyLoop(process)
  for (const stream of [process.stdout, process.stderr]) writeAtOnce(stream)
  let handler: Handler
  try {
    emptyLoop.wait(() => crashes.crash(neverLoaded(), 1))
    if (api !== undefined) handler = await loadBuild(client)
    else handler = await loadTaskHandler(env.LAMBDA_TASK_ROOT ?? process.cwd(), env._HANDLER ?? '')
    if (api === undefined) refuseCallback(handler)
  } catch (error) {
    return crashes.crash(error, 1)
  }
  emptyLoop.wait(undefined)
  let details = functionOf(env)
  for (;;) {
    crashes.idle()
    const { headers, body } = await client.next()
    const requestId = header(headers, 'lambda-runtime-aws-request-id') ?? ''
    crashes.busy(requestId)
    const detailsBytes = Number(header(headers, 'lambda-tether-details') ?? 0)
    if (detailsBytes > 0) {
      writeSync(BEGUN_FD, '.')
      const changed = JSON.parse(body.toString('utf8', 0, detailsBytes)) as BootstrapDetails
      setEnvironment(changed.env)
      details = changed.context
    }
    const context = contextOf(requestId, headers, details)
    setEnvironment({ _X_AMZN_TRACE_ID: context.traceId ?? null })
    const invocation = { handler, context, headers, body: body.subarray(detailsBytes) }
    const streaming = streamingOf(handler)
    if (streaming === undefined) await invoke(client, invocation, emptyLoop)
    else await stream(client, invocation, streaming, crashes)
  }
}

async function loadBuild(client: RuntimeClient): Promise<Handler> {
  const { env, dependencies, inspect } = await client.ask<BootstrapStart>(START_PATH)
  setEnvironment(changesBetween({ ...process.env } as Record<string, string>, env) ?? {})
  process.setSourceMapsEnabled(true)
  quietRequire(process)
  if (inspect) {
    const inspector = await import('node:inspector')
    // A debugger that attaches by itself has already opened it.
    if (inspector.url() === undefined) inspector.open(0, '127.0.0.1')
  }
  if (dependencies !== undefined) await loadDependencies(dependencies)
  return loadHandler(await client.ask<BootstrapCode>(CODE_PATH))
}

interface Invocation {
  readonly handler: Handler
  readonly context: InvocationContext
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

async function invoke(client: RuntimeClient, invocation: Invocation, emptyLoop: EmptyLoop): Promise<void> {
  const { handler, context } = invocation
  let response: Uint8Array
  try {
    const event = eventOf(invocation)
    const deadline = deadlineOf(invocation)
    const end = await new Promise<HandlerEnd>((resolve) => {
      emptyLoop.wait(callHandler({ handler, event, context, deadline, onEnd: resolve }))
    })
    if ('thrown' in end) throw end.thrown
    response = serialiseResponse(end.value)
  } catch (error) {
    return client.fail(context.awsRequestId, toSafeError(error))
  }
  return client.respond(context.awsRequestId, response)
}

async function stream(
  client: RuntimeClient,
  invocation: Invocation,
  streaming: Streaming,
  crashes: CrashReporter,
): Promise<void> {
  const { handler, context } = invocation
  let event: unknown
  try {
    event = eventOf(invocation)
  } catch (error) {
    return client.fail(context.awsRequestId, toSafeError(error))
  }
  // Created before the handler runs, as in the official client: the connection keeps the event loop busy.
  const sink = client.stream(context.awsRequestId)
  crashes.streams(sink)
  await callStreamingHandler({ handler, streaming, event, context, deadline: deadlineOf(invocation), sink })
  await sink.taken
}

function eventOf({ body }: Invocation): unknown {
  return JSON.parse(body.toString('utf8'))
}

function deadlineOf({ headers }: Invocation): number {
  return Number(header(headers, 'lambda-runtime-deadline-ms'))
}

function contextOf(
  requestId: string,
  headers: IncomingHttpHeaders,
  details: FunctionContext,
): InvocationContext {
  const clientContext = header(headers, 'lambda-runtime-client-context')
  const identity = header(headers, 'lambda-runtime-cognito-identity')
  const tenantId = header(headers, 'lambda-runtime-aws-tenant-id')
  const traceId = header(headers, 'lambda-runtime-trace-id')
  return {
    awsRequestId: requestId,
    invokedFunctionArn: header(headers, 'lambda-runtime-invoked-function-arn') ?? '',
    ...details,
    ...(clientContext === undefined ? {} : { clientContext: JSON.parse(clientContext) as unknown }),
    ...(identity === undefined ? {} : { identity: JSON.parse(identity) as unknown }),
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(traceId === undefined ? {} : { traceId }),
  }
}

// To its parent, Node writes as to a socket: data that does not fit would leave after the answer, or, at an exit,
// never.
function writeAtOnce(stream: NodeJS.WriteStream): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(blocking: boolean): void } }
  handle?.setBlocking?.(true)
}

function functionOf(env: NodeJS.ProcessEnv): FunctionContext {
  return {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME ?? '',
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION ?? '',
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? '',
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME ?? '',
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME ?? '',
  }
}

function setEnvironment(changes: EnvironmentChanges): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete process.env[name]
    else process.env[name] = value
  }
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function neverLoaded(): Error {
  const problem = 'The event loop is empty and the module of the handler has not finished loading.'
  return runtimeError('NodeJsExit', problem)
}

// nodejs24.x refuses callbacks; up to nodejs22.x they work.
function refuseCallback(handler: Handler): void {
  const major = Number.parseInt(process.versions.node, 10)
  if (major >= 24 && handler.length >= 3 && streamingOf(handler) === undefined) {
    throw runtimeError(
      'CallbackHandlerDeprecated',
      `This handler declares ${handler.length} parameters; from Node.js 24 on Lambda takes at most 2 (no callback). ` +
        'Return a promise, or use Node.js 22.',
    )
  }
}

// Only a call of the Runtime API can reject here: then the host is gone.
main(process.env[BOOTSTRAP_VARIABLE]).catch(() => process.exit(1))
