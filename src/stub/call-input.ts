import { jsonText } from '../core/base/json.js'
import type { CallInput } from '../core/caller/options.js'
import type { LambdaContext } from '../core/contracts/handler.js'
import { travellingEnvironment } from './travelling-environment.js'

/** An invocation without its event. */
export type CallFacts = Omit<CallInput, 'event'>

/** What a session is told of an invocation beside its event. */
export function callFacts(
  context: LambdaContext,
  env: Readonly<Record<string, string | undefined>>,
  functionId: string = context.functionName,
): CallFacts {
  return {
    functionId,
    context: {
      // Whoever calls the handler by hand may leave some out.
      awsRequestId: String(context.awsRequestId ?? ''),
      functionName: String(context.functionName ?? ''),
      functionVersion: String(context.functionVersion ?? ''),
      invokedFunctionArn: String(context.invokedFunctionArn ?? ''),
      memoryLimitInMB: String(context.memoryLimitInMB ?? ''),
      logGroupName: String(context.logGroupName ?? ''),
      logStreamName: String(context.logStreamName ?? ''),
      ...present('clientContext', context.clientContext),
      ...present('identity', context.identity),
      ...present('tenantId', context.tenantId),
      ...present('traceId', env._X_AMZN_TRACE_ID),
    },
    env: travellingEnvironment(env),
    remainingMs: context.getRemainingTimeInMillis(),
  }
}

/** An event's JSON, as it travels. @throws TetherError `TOO_LARGE` where it is nested too deeply for the stack */
export function eventBytes(event: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(jsonText('The event', event ?? null))
}

function present<K extends string, V>(name: K, value: V): { [key in K]?: NonNullable<V> } {
  return (value === undefined || value === null ? {} : { [name]: value }) as { [key in K]?: NonNullable<V> }
}
