import { jsonText } from '../core/base/json.js'
import type { CallInput } from '../core/caller/options.js'
import type { InvocationContext, LambdaContext } from '../core/contracts/handler.js'
import type { EnvironmentReader } from './environment-reader.js'

/** An invocation without its event. */
export type CallFacts = Omit<CallInput, 'event'>

/** Collects the facts of an invocation, besides its event, that a session receives. */
export function callFacts(
  context: LambdaContext,
  environment: EnvironmentReader,
  functionId: string = context.functionName,
): CallFacts {
  const { clientContext, identity, tenantId } = context
  // On Managed Instances, where invocations share a process, the variable is not set.
  const traceId = environment.traceId ?? context.xRayTraceId
  const told: { -readonly [K in keyof InvocationContext]: InvocationContext[K] } = {
    // Code that calls the handler by hand may omit some of these.
    awsRequestId: String(context.awsRequestId ?? ''),
    functionName: String(context.functionName ?? ''),
    functionVersion: String(context.functionVersion ?? ''),
    invokedFunctionArn: String(context.invokedFunctionArn ?? ''),
    memoryLimitInMB: String(context.memoryLimitInMB ?? ''),
    logGroupName: String(context.logGroupName ?? ''),
    logStreamName: String(context.logStreamName ?? ''),
  }
  if (clientContext != null) told.clientContext = clientContext
  if (identity != null) told.identity = identity
  if (tenantId != null) told.tenantId = tenantId
  if (traceId != null) told.traceId = traceId
  const remainingMs = context.getRemainingTimeInMillis()
  return { functionId, context: told, env: environment.read(), remainingMs }
}

/** Serialises an event for the wire. @throws TetherError `TOO_LARGE` if it is nested too deeply for the stack */
export function eventJson(event: unknown): string {
  return jsonText('The event', event ?? null)
}
