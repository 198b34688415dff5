import type { IncomingHttpHeaders } from 'node:http'
import { TetherError } from '../../../../core/base/errors.js'
import type { LocalFunction } from '../../../lambda/function.js'
import type { InvokeOptions } from '../../../lambda/invoke-request.js'
import { ControlPlaneError, invalidParameter } from '../../errors.js'
import type { FunctionHost, ResolvedFunction } from '../registry.js'
import { responseEvents } from './response-stream.js'

/** A call that invokes a function. */
export interface InvokeCall {
  readonly found: ResolvedFunction
  readonly host: FunctionHost
  readonly headers: IncomingHttpHeaders
  readonly event: Uint8Array
}

/** An invocation's answer as an HTTP response. */
export interface InvokeReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
}

/** Invokes a function as Lambda's Invoke call does. @throws ControlPlaneError */
export async function invokeFunction(call: InvokeCall): Promise<InvokeReply> {
  const type = header(call, 'x-amz-invocation-type') ?? 'RequestResponse'
  if (type === 'DryRun') return dryRun(call)
  if (type !== 'RequestResponse' && type !== 'Event')
    throw invalidParameter(`'${type}' is no invocation type.`)
  return attempt(call, async (run, event, options) => {
    const result = await run.invoke(event, { ...options, type })
    return {
      status: result.statusCode,
      headers: {
        ...executedVersion(call),
        'x-amzn-requestid': result.requestId,
        ...(result.functionError !== undefined && { 'x-amz-function-error': result.functionError }),
        ...(wantsLog(call) && { 'x-amz-log-result': base64(result.logTail) }),
      },
      body: result.payload,
    }
  })
}

/** Invokes a function as Lambda's InvokeWithResponseStream call does. @throws ControlPlaneError */
export async function invokeWithResponseStream(call: InvokeCall): Promise<InvokeReply> {
  const type = header(call, 'x-amz-invocation-type') ?? 'RequestResponse'
  if (type === 'DryRun') return dryRun(call)
  if (type !== 'RequestResponse') throw invalidParameter(`'${type}' is no invocation type of this call.`)
  return attempt(call, async (run, event, options) => {
    const stream = await run.invokeWithResponseStream(event, options)
    return {
      status: 200,
      headers: {
        ...executedVersion(call),
        'x-amzn-requestid': stream.requestId,
        // The client reads ResponseStreamContentType from this header, and recognises the event stream by the
        // operation's model.
        'content-type': stream.contentType,
      },
      body: responseEvents(stream, wantsLog(call)),
    }
  })
}

function dryRun(call: InvokeCall): InvokeReply {
  checkActive(call)
  return { status: 204, headers: executedVersion(call), body: new Uint8Array() }
}

/** Runs the invocation on the host, with the caller's client context and tenant. */
async function attempt(
  call: InvokeCall,
  invoke: (
    run: LocalFunction,
    event: Uint8Array | undefined,
    options: Omit<InvokeOptions, 'type'>,
  ) => Promise<InvokeReply>,
): Promise<InvokeReply> {
  checkActive(call)
  const { found, host, event } = call
  const run = host.find(found.fn.name, found.version)
  if (run === undefined) {
    const { code, configuration } = found.fn
    const what = code === undefined ? 'images' : `the runtime ${configuration.Runtime}`
    throw new ControlPlaneError('InvalidRuntimeException', `The local cloud does not run ${what}.`)
  }
  const context = header(call, 'x-amz-client-context')
  const tenantId = header(call, 'x-amz-tenant-id')
  try {
    return await invoke(run, event.byteLength === 0 ? undefined : event, {
      ...(context !== undefined && {
        clientContext: JSON.parse(Buffer.from(context, 'base64').toString('utf8')),
      }),
      ...(tenantId !== undefined && { tenantId }),
    })
  } catch (error) {
    throw refusal(error)
  }
}

function checkActive({ found: { fn } }: InvokeCall): void {
  if (fn.configuration.State === 'Pending') fn.checkSettled()
}

function executedVersion({ found }: InvokeCall) {
  return { 'x-amz-executed-version': found.version }
}

function wantsLog(call: InvokeCall): boolean {
  return header(call, 'x-amz-log-type') === 'Tail'
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function refusal(error: unknown): Error {
  if (error instanceof SyntaxError) return invalidParameter('The client context is not JSON in base64.')
  if (!(error instanceof TetherError)) return error as Error
  switch (error.code) {
    case 'TOO_LARGE':
      return new ControlPlaneError('RequestTooLargeException', error.message)
    case 'THROTTLED':
      return new ControlPlaneError('TooManyRequestsException', 'Rate Exceeded.', {
        Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      })
    case 'INVALID_OPTION':
      return new ControlPlaneError('InvalidRequestContentException', error.message)
    default:
      return new ControlPlaneError('ServiceException', error.message)
  }
}

function header({ headers }: InvokeCall, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
