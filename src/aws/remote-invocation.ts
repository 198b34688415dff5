import type { InvokeCommandInput } from '@aws-sdk/client-lambda'
import { defined } from '../core/base/defined.js'
import { abortError, type LambdaError, TetherError } from '../core/base/errors.js'
import { invalidOption, isObject } from '../core/base/options.js'
import { printable } from '../core/base/printable.js'
import type { Answer } from '../core/contracts/executor.js'
import type { RemoteCall } from '../core/session/replay/replays.js'
import { sdkClientConfig } from './sdk.js'

/** The part of Lambda's answer that a replay needs. */
interface RemoteAnswer {
  readonly FunctionError?: string | undefined
  readonly Payload?: Uint8Array | undefined
}

/** Captures the region of a function's ARN. */
const ARN = /^arn:[^:]+:lambda:([a-z0-9-]+):\d{12}:function:/
/** Extra time for the answer to arrive after the function's own timeout. */
const ANSWER_MS = 10_000

/**
 * Invokes a real function with a recorded event. Makes one attempt: a second one would repeat side effects.
 * @returns the response, or the function's error
 * @throws TetherError `INVALID_OPTION`, `MISSING_DEPENDENCY`, `UNREACHABLE` with AWS's refusal, `ABORTED`
 */
export async function invokeRemotely(call: RemoteCall): Promise<Answer> {
  const { context, timeoutMs, signal } = call
  const { invokedFunctionArn } = context
  const region = ARN.exec(invokedFunctionArn)?.[1]
  if (region === undefined)
    throw invalidOption(
      'record',
      `has no ARN of a function, but '${printable(invokedFunctionArn)}', and cannot be replayed as 'remote'`,
    )
  const { InvokeCommand, LambdaClient } = await loadLambda()
  const config = await sdkClientConfig({ region, requestTimeoutMs: timeoutMs + ANSWER_MS })
  const own = call.client === undefined ? new LambdaClient({ ...config, maxAttempts: 1 }) : undefined
  try {
    const command = new InvokeCommand(inputOf(call))
    const answer: RemoteAnswer = await (call.client ?? own)!.send(command, { abortSignal: signal })
    return answerOf(answer)
  } catch (cause) {
    if (signal?.aborted) throw abortError(signal)
    const { name, message } = cause as Error
    throw new TetherError(
      'UNREACHABLE',
      `Function '${printable(invokedFunctionArn)}' could not be invoked: ${printable(name)}: ${printable(message).replace(/\.$/, '')}. Check the credentials, their permission lambda:InvokeFunction, and the region.`,
      { cause, details: { awsError: name } },
    )
  } finally {
    own?.destroy()
  }
}

async function loadLambda(): Promise<typeof import('@aws-sdk/client-lambda')> {
  try {
    return await import('@aws-sdk/client-lambda')
  } catch (cause) {
    throw new TetherError(
      'MISSING_DEPENDENCY',
      "replay({ as: 'remote' }) needs the AWS SDK. Run: npm install @aws-sdk/client-lambda",
      { cause },
    )
  }
}

function inputOf({ context, event }: RemoteCall): InvokeCommandInput {
  const { invokedFunctionArn: FunctionName, clientContext, tenantId: TenantId } = context
  const ClientContext =
    clientContext === undefined ? undefined : Buffer.from(JSON.stringify(clientContext)).toString('base64')
  return { FunctionName, Payload: event, ...defined({ ClientContext, TenantId }) }
}

function answerOf({ FunctionError, Payload = new Uint8Array() }: RemoteAnswer): Answer {
  if (FunctionError === undefined) return { kind: 'value', body: Payload }
  const text = Buffer.from(Payload).toString('utf8')
  return { kind: 'error', error: lambdaErrorOf(FunctionError, text) }
}

// Runtimes name the stack `trace` or `stackTrace`; errors of the Lambda service have no stack.
function lambdaErrorOf(functionError: string, text: string): LambdaError {
  let error: unknown
  try {
    error = JSON.parse(text)
  } catch {
    error = undefined
  }
  if (!isObject(error)) return { errorType: functionError, errorMessage: text, trace: [] }
  const { errorType, errorMessage, trace, stackTrace } = error as Record<string, unknown>
  const lines = [trace, stackTrace].find(Array.isArray) ?? []
  return {
    errorType: String(errorType ?? functionError),
    errorMessage: String(errorMessage ?? ''),
    trace: lines.map(String),
  }
}
